# Shared by the parts of scripts/setup.sh; sourced, never run alone.
cache=${MILEPOST_CACHE:-$HOME/.cache/milepost}
not_provided=()

say() { printf 'setup: %s\n' "$*"; }

# provide FUNCTION: runs one part; if it fails, its name is remembered and the rest goes on.
provide() {
  local part=$1
  # Not `part || …` on the function itself: that would switch `set -e` off inside it.
  local code=0
  set +e
  (set -e; "$part")
  code=$?
  set -e
  if ((code != 0)); then not_provided+=("${part#setup_}"); fi
}

# step TITLE LIMIT COMMAND…: says what it does, keeps the output in a log, shows its end only on failure.
step() {
  local title=$1 limit=$2 log start=$SECONDS code=0
  shift 2
  mkdir -p "$cache/logs"
  log=$(mktemp "$cache/logs/setup-XXXXXX")
  say "$title …"
  if command -v timeout >/dev/null && [[ $(type -t "$1") == file ]]; then
    timeout "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
  else
    "$@" >"$log" 2>&1 </dev/null || code=$?
  fi
  if ((code != 0)); then
    tail -n 40 "$log" >&2
    if ((code == 124)); then say "$title: stopped after $limit s" >&2; else say "$title: failed (exit code $code)" >&2; fi
    rm -f "$log"
    return "$code"
  fi
  rm -f "$log"
  say "$title: done in $((SECONDS - start)) s"
}

# fresh_folder: a new folder inside the cache, on the same file system, so that `mv` into place is atomic.
fresh_folder() {
  mkdir -p "$cache"
  mktemp -d "$cache/new-XXXXXX"
}

# keep FOLDER NAME: moves a finished folder to its place in the cache; another setup that was quicker wins.
keep() {
  mkdir -p "$(dirname "$cache/$2")"
  if [[ -e $cache/$2 ]] || ! mv -T "$1" "$cache/$2" 2>/dev/null; then rm -rf "$1"; fi
  [[ -e $cache/$2 ]]
}

# as_root COMMAND…: runs it as root, or fails.
as_root() {
  if (($(id -u) == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 126
  fi
}

# install_packages PACKAGE…: Debian packages, without recommendations and without starting their services.
install_packages() {
  if ! command -v apt-get >/dev/null; then
    say "missing and no apt-get here to install: $*" >&2
    return 1
  fi
  if ! as_root true; then
    say "missing; install as root: apt-get install --no-install-recommends $*" >&2
    return 1
  fi
  local policy=/usr/sbin/policy-rc.d code=0
  # invoke-rc.d asks this file before it starts a service; 101 means no. One that is there already is left alone.
  local ours=
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    ours=yes
    # Also when we are interrupted; `provide` has given us a shell of our own.
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  step 'apt-get update' 300 as_root apt-get -q -o DPkg::Lock::Timeout=300 update || code=$?
  if ((code == 0)); then
    step "apt-get install $*" 1800 as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@" || code=$?
  fi
  if [[ $ours ]]; then
    as_root rm -f "$policy"
    trap - EXIT
  fi
  return "$code"
}

# kept_as LINK NAME: true when NAME is in the cache; LINK, the name that the tests use, then points to it.
kept_as() {
  [[ -d $cache/$2 ]] || return 1
  if [[ $(readlink "$cache/$1" || true) != "$2" ]]; then ln -sfn "$2" "$cache/$1"; fi
}
