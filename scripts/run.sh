#!/usr/bin/env bash
# Starts the collector with collector-config.yaml. When it listens, the script
# prints how to send a batch and where the lines are. `make run` calls it.
#
# collector-config.yaml lists the environment variables. Variables that are not
# set are read from .env, which git ignores. If there is no token, a random one is
# written to .env.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The same as in collector-config.yaml.
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
	echo "Wrote a random token to $PWD/.env"
fi
endpoint=${TELEMETRY_ENDPOINT:-localhost:4328}
directory=${TELEMETRY_DIR:-./telemetry-data}

listening() { curl --silent --fail --noproxy '*' --max-time 2 --output /dev/null "$health"; }

# say_how prints a curl command that sends a log, a span and a metric.
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

	printf '\nThe collector listens. Paste this into another terminal:\n\n'
	printf "curl http://%s:%s/telemetry/ingest -H 'Content-Type: application/json' -H 'X-Telemetry-Token: %s' -d '%s'\n\n" \
		"$host" "$port" "${TELEMETRY_TOKEN//\'/\'\\\'\'}" "$batch"
	printf 'The lines are in\n\n'
	printf '%s\n' "$(cd "$directory" && pwd)"/{logs,traces,metrics}/"$(date -u +%F)".jsonl
	printf '\nCtrl-C stops it.\n\n'
}

if listening; then
	echo "Something already answers at $health. Stop the other collector first." >&2
	exit 1
fi

# The collector replaces this shell below, so that it gets the signals. The
# background job ends when the collector does.
{
	until listening; do
		kill -0 $$ 2>/dev/null || exit 0
		sleep 0.2
	done
	say_how
} &
exec _build/otelcol-saberloop --config=collector-config.yaml
