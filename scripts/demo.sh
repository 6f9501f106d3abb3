#!/usr/bin/env bash
# `npm run demo`: the whole of Milepost on this machine, on embedded defaults. Needs Node.js and npm, nothing else.
#
#   npm run demo                              until Ctrl-C, with a web page
#   npm run --silent demo -- --for 60s --json runs, stops, checks itself, prints one JSON summary
#
# Standard output belongs to the demo; what the preparation has to say goes to standard error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup/common.sh
source scripts/setup/base.sh

is_built() {
  [[ -f dist/.built && -f dist/cli/main.js ]] || return 1
  # Folders too: their time changes when a file in them is removed.
  local newer
  newer=$(find protocols edge hub simulators cli package.json tsconfig.json tsconfig.build.json -newer dist/.built \
    ! -name '*.test.ts' ! -name '*.md' -print 2>/dev/null | head -n 1)
  [[ -z $newer ]]
}

setup_base >&2
if ! is_built; then
  echo 'building …' >&2
  node scripts/build.mjs >&2
fi
exec node dist/cli/main.js demo "$@"
