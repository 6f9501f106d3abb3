#!/usr/bin/env bash
# `npm test`: everything that decides whether this tree is good, on real servers; installs what is missing first.
#
#   scripts/test.sh                       setup, lint, types, build, unit tests, tests on real servers
#   scripts/test.sh edge/outbox -t torn   setup, build and the tests that these vitest arguments select
#
# MILEPOST_REQUIRE=kafka,postgres,… makes a missing server a failure. What could not be run is printed by name at the
# end, then one line: `N passed, N failed`. Exit code 0 only if something passed and nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=$(mktemp -d "${TMPDIR:-/tmp}/milepost-results-XXXXXX")
trap 'rm -rf "$results"' EXIT
# Stopped from outside: vitest is stopped first, so that it can stop its servers.
running=
trap 'if [[ $running ]]; then kill "$running" 2>/dev/null; wait "$running"; fi; exit 143' INT TERM HUP
export MILEPOST_NOT_RUN=$results/not-run
: >"$MILEPOST_NOT_RUN"

# check NAME COMMAND…: counts as one test; says what was wrong only if something was.
check() {
  local name=$1 code=0 start=$SECONDS
  shift
  "$@" >"$results/output" 2>&1 </dev/null || code=$?
  if ((code != 0)); then cat "$results/output"; fi
  printf '%s: %s in %d s\n' "$name" "$( ((code == 0)) && echo ok || echo FAILED)" $((SECONDS - start))
  printf '%s\t%d\n' "$name" "$code" >>"$results/checks"
  return "$code"
}

# tests PROJECT LIMIT ARGUMENT…: one project of vitest.config.ts; its counts go to a file that the summary reads.
tests() {
  local project=$1 limit=$2 code=0
  shift 2
  timeout --foreground --kill-after=30 "$limit" node_modules/.bin/vitest run --project "$project" \
    --reporter=default --reporter=json --outputFile.json="$results/$project.json" "$@" </dev/null &
  running=$!
  wait "$running" || code=$?
  running=
  if ((code == 124)); then echo "$project tests: stopped after $limit s"; fi
  printf '%s\t%d\n' "$project" "$code" >>"$results/runs"
}

# Without its packages nothing below can run; without a server, or the Kafka client, the rest can.
if scripts/setup.sh base; then
  scripts/setup.sh all || true
  if (($#)); then
    check build node scripts/build.mjs
    tests unit 1200 --passWithNoTests "$@"
    tests real 3000 --passWithNoTests "$@"
  else
    check lint node_modules/.bin/biome check .
    check types node_modules/.bin/tsc --noEmit -p tsconfig.json
    check build node scripts/build.mjs
    tests unit 1200
    tests real 3000
  fi
else
  printf 'setup\t1\n' >>"$results/checks"
fi

node scripts/test-summary.mjs "$results"
