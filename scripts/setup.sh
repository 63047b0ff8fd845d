#!/usr/bin/env bash
# Installs the given commands if they are missing:
#
#   scripts/setup.sh curl gcc
#
# Without apt-get it fails and says what to install.
set -euo pipefail

# package COMMAND prints the Debian packages that contain a command.
package() {
	case $1 in
	gcc) echo gcc libc6-dev ;;
	losetup) echo mount ;;
	mkfs.ext4 | e2fsck) echo e2fsprogs ;;
	node) echo nodejs ;;
	ssh) echo openssh-client ;;
	sshd) echo openssh-server ;;
	taskset | unshare) echo util-linux ;;
	*) echo "$1" ;;
	esac
}

missing=()
for command in "$@"; do
	command -v "$command" >/dev/null || missing+=("$command")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "Please install: ${missing[*]}" >&2
	exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi

packages=()
for command in "${missing[@]}"; do
	read -ra names <<<"$(package "$command")"
	packages+=("${names[@]}")
done

echo "Installing: ${packages[*]}"
{
	"${as_root[@]}" apt-get -qq update
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install --yes --no-install-recommends "${packages[@]}"
} </dev/null >/dev/null
