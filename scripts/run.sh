#!/usr/bin/env bash
# Starts the collector with collector-config.yaml and, once it is listening, says
# how to send it a batch and where that ends up. `make run` calls it.
#
# The environment is collector-config.yaml's; .env, which git ignores, gives what
# the environment does not. Where neither has a token, a random one is put there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As collector-config.yaml has it.
health=http://localhost:13133/

if [ -f .env ]; then
	while IFS='=' read -r name value || [ -n "$name" ]; do
		case $name in
		TELEMETRY_*) [ -n "${!name:-}" ] || export "$name=$value" ;;
		esac
	done <.env
fi
if [ -z "${TELEMETRY_TOKEN:-}" ]; then
	TELEMETRY_TOKEN=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
	export TELEMETRY_TOKEN
	(umask 077 && printf 'TELEMETRY_TOKEN=%s\n' "$TELEMETRY_TOKEN" >>.env)
	chmod 600 .env
	echo "Made a random token; it is in $PWD/.env"
fi
endpoint=${TELEMETRY_ENDPOINT:-localhost:4328}
directory=${TELEMETRY_DIR:-./telemetry-data}

listening() { curl --silent --fail --noproxy '*' --max-time 2 --output /dev/null "$health"; }

# The line is of one log, one span and one metric, as the web app sends them.
say_how() {
	local host=${endpoint%:*} port=${endpoint##*:}
	case $host in
	'' | 0.0.0.0 | '[::]') host=localhost ;;
	esac
	local now batch
	now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
	batch='{"logs":[{"timestamp":"'$now'","level":"info","message":"Hello from curl","context":{"topic":"Math"}}],'
	batch+='"traces":[{"timestamp":"'$now'","traceId":"4fzyo82m1k","spanId":"k2j4h5g6f7","name":"api.generateQuestions","duration":2450.3}],'
	batch+='"metrics":[{"timestamp":"'$now'","name":"web_vital_lcp","value":1250,"labels":{"rating":"good"}}]}'

	printf '\nIt is listening. Paste this into another terminal:\n\n'
	printf "curl http://%s:%s/telemetry/ingest -H 'Content-Type: application/json' -H 'X-Telemetry-Token: %s' -d '%s'\n\n" \
		"$host" "$port" "${TELEMETRY_TOKEN//\'/\'\\\'\'}" "$batch"
	printf 'and find the lines in\n\n'
	printf '%s\n' "$(cd "$directory" && pwd)"/{logs,traces,metrics}/"$(date -u +%F)".jsonl
	printf '\nCtrl-C stops it.\n\n'
}

if listening; then
	echo "Something answers at $health already: is the collector running elsewhere?" >&2
	exit 1
fi

# The collector takes this shell's place below, and so gets the signals that are
# meant for it. What waits in the background ends with it.
{
	until listening; do
		kill -0 $$ 2>/dev/null || exit 0
		sleep 0.2
	done
	say_how
} &
exec _build/otelcol-saberloop --config=collector-config.yaml
