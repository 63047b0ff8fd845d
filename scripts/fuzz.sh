#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other:
#
#   scripts/fuzz.sh 60s
#
# A failing input is left in testdata/fuzz of the package. Commit it with the fix.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=$1

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE TARGET
fuzz() {
	go test -run='^$' -fuzz="^$2\$" -fuzztime="$time" "$1" 2>&1 | tee "$log" && return
	# Up to Go 1.26, the end of -fuzztime may be reported as a failure without a
	# failing input: https://go.dev/issue/75804
	if grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input written' "$log"; then
		echo "$2: the time was up (go.dev/issue/75804)"
		go test -run="^$2\$" "$1"
		return
	fi
	return 1
}

packages=$(grep -rl --include='*_test.go' --exclude-dir=_build --exclude-dir=node_modules '^func Fuzz' . |
	sed 's,/[^/]*$,,' | sort -u)

targets=0
for package in $packages; do
	for target in $(go test -list='^Fuzz' "$package" | grep '^Fuzz'); do
		printf '\n--- %s %s, %s\n' "$package" "$target" "$time"
		fuzz "$package" "$target"
		targets=$((targets + 1))
	done
done
printf '\n%d fuzz targets, %s each: nothing found\n' "$targets" "$time"
