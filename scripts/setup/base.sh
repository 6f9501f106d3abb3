# npm packages. Sourced by scripts/setup.sh and scripts/demo.sh.

# The oldest Node.js that package.json allows.
check_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    say 'Node.js with npm is missing; install Node.js 20 or newer' >&2
    return 1
  fi
  local wanted
  wanted=$(node -p "require('./package.json').engines.node.replace('>=', '')")
  if ! node -e '
    const [wanted, have] = [process.argv[1], process.versions.node].map((text) => text.split(".").map(Number));
    const at = wanted.findIndex((part, index) => part !== have[index]);
    process.exit(at === -1 || have[at] > wanted[at] ? 0 : 1);
  ' "$wanted"; then
    say "Node.js $(node -p process.versions.node) is too old: $wanted or newer is needed" >&2
    return 1
  fi
}

setup_base() {
  check_node
  local stamp=node_modules/.milepost-lock now
  now=$(cksum <package-lock.json)
  if [[ -f $stamp && $(cat "$stamp") == "$now" ]]; then return; fi
  # A tree that npm itself has brought to the lock's state (npm install, npm ci by hand) needs no second installation.
  if ! node scripts/setup/tree-matches-lock.mjs; then
    step 'npm ci' 900 npm ci --include=dev --include=optional --no-progress --loglevel=error
  fi
  printf '%s\n' "$now" >"$stamp"
}
