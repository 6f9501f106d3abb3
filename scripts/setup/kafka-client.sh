# node-rdkafka, compiled from the sources in its npm package. Sourced by scripts/setup.sh.
#
# What the module consists of when it is built: the addon and the two libraries it finds through its run path.
kafka_client_files=(Release/node-librdkafka.node deps/librdkafka.so.1 deps/librdkafka++.so.1)

setup_kafka_client() {
  local module=node_modules/node-rdkafka kept
  if [[ ! -d $module ]]; then
    say 'node-rdkafka is not in node_modules (npm ci was told to omit optional packages?)' >&2
    return 1
  fi
  kept=$cache/$(kafka_client_key)
  if ! kafka_client_loads && [[ -d $kept ]]; then
    say "node-rdkafka: taken from $kept"
    mkdir -p "$module/build"
    cp -R "$kept/." "$module/build/"
  fi
  if ! kafka_client_loads; then compile_kafka_client; fi
  if [[ ! -d $kept ]]; then keep_kafka_client; fi
}

# Version, Node's ABI and the system's C library decide whether a compiled module fits.
kafka_client_key() {
  node -p '
    const { version } = require("./node_modules/node-rdkafka/package.json");
    const libc = process.report.getReport().header.glibcVersionRuntime ?? "libc";
    `node-rdkafka-${version}-abi${process.versions.modules}-${process.platform}-${process.arch}-${libc}`;
  '
}

kafka_client_loads() { node -e 'require("node-rdkafka")' >/dev/null 2>&1; }

compile_kafka_client() {
  local missing=() pair
  for pair in g++=g++ make=make python3=python3; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  for pair in openssl/ssl.h=libssl-dev zlib.h=zlib1g-dev; do
    has_header "${pair%%=*}" || missing+=("${pair#*=}")
  done
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi

  # Headers beside the node that runs, where they are installed; otherwise node-gyp fetches them by itself.
  local prefix
  prefix=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
  if [[ -f $prefix/include/node/node.h ]]; then export npm_config_nodedir=$prefix; fi
  # One job at a time: its makefiles race when make runs them in parallel.
  step 'compiling node-rdkafka (a few minutes, once per machine)' 1800 \
    npm rebuild node-rdkafka --ignore-scripts=false --foreground-scripts --no-progress
  if ! kafka_client_loads; then
    node -e 'require("node-rdkafka")' 2>&1 | head -5 >&2
    return 1
  fi
}

has_header() { echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1; }

keep_kafka_client() {
  local new file
  new=$(fresh_folder)
  for file in "${kafka_client_files[@]}"; do
    mkdir -p "$new/$(dirname "$file")"
    cp -L "node_modules/node-rdkafka/build/$file" "$new/$file"
  done
  keep "$new" "$(kafka_client_key)"
}
