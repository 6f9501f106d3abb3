# InfluxDB, built from Go modules (InfluxData's own packages are in no registry). Sourced by scripts/setup.sh.
#
# 1.8 is the last with the v2 write API that builds from Go alone. 2.7 needs Rust as well, for Flux, and five minutes: so only who asks for it has it.
influx_version=1.8.10
influx2_version=2.7.12
influx2_go=1.23
influx2_rust=1.72

setup_influxdb() {
  if kept_as influxdb "influxdb-$influx_version"; then return; fi
  if ! command -v go >/dev/null; then install_packages golang-go; fi
  local new
  new=$(fresh_folder)
  # Without go.mod of ours in the way; GOTOOLCHAIN=local: the compiler that is here, never a fetched one.
  (
    cd "$new"
    GOBIN=$new GOTOOLCHAIN=local GOFLAGS=-buildvcs=false \
      step "building InfluxDB $influx_version (a minute or two, once per machine)" 900 \
      go install -ldflags "-s -w -X main.version=$influx_version -X main.branch=1.8 -X main.commit=v$influx_version" \
      "github.com/influxdata/influxdb/cmd/influxd@v$influx_version"
  )
  keep "$new" "influxdb-$influx_version"
  kept_as influxdb "influxdb-$influx_version"
}

setup_influxdb2() {
  if kept_as influxdb2 "influxdb-$influx2_version"; then return; fi
  is_at_least "$influx2_go" go version || return
  is_at_least "$influx2_rust" cargo --version || return
  local new
  new=$(fresh_folder)
  step "building InfluxDB $influx2_version (some minutes, once per machine)" 1800 \
    env GOTOOLCHAIN=local GOFLAGS=-buildvcs=false bash -euo pipefail -c "$influx2_build" influxdb2 "$new" "$influx2_version"
  find "$new" -mindepth 1 -maxdepth 1 ! -name influxd -exec rm -rf {} +
  keep "$new" "influxdb-$influx2_version"
  kept_as influxdb2 "influxdb-$influx2_version"
}

# is_at_least VERSION PROGRAM ARGUMENT: whether the first version that it names is that one or later.
is_at_least() {
  local wanted=$1 found
  shift
  found=$("$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true)
  if [[ $found && $(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1) == "$wanted" ]]; then return; fi
  say "InfluxDB 2 needs $1 $wanted or later; here: ${found:-none}" >&2
  return 1
}

# The module cache is read-only, and modules with replace directives are built as the main one: so both are copied. Flux's Go code asks pkg-config
# for its Rust library: a script answers. Lints that a newer Rust has found since are no errors.
# shellcheck disable=SC2016
influx2_build='
new=$1 version=$2
cd "$new"
source_of() { go mod download -json "$1" | grep -oP "\"Dir\": \"\K[^\"]+"; }
cp -r "$(source_of "github.com/influxdata/influxdb/v2@v$version")" source
chmod -R u+w source
flux=$(cd source && go list -m -f "{{.Path}}@{{.Version}}" github.com/influxdata/flux)
from=$(source_of "$flux")
mkdir flux
cp -r "$from/libflux" "$from/stdlib" flux
chmod -R u+w flux
(cd flux/libflux && RUSTFLAGS="--cap-lints warn" cargo build --release --locked -p flux --target-dir "$new/rust")
cat >pkg-config <<SCRIPT
#!/bin/sh
case "\$*" in
  *--cflags*) echo "-I$new/flux/libflux/include" ;;
  *--libs*) echo "-L$new/rust/release -lflux -ldl -lm -lpthread" ;;
esac
SCRIPT
chmod +x pkg-config
# The linker would take the shared one.
rm -f rust/release/libflux.so
cd source
PKG_CONFIG=$new/pkg-config go build -tags sqlite_foreign_keys,sqlite_json \
  -ldflags "-s -w -X main.version=$version -X main.commit=v$version" -o "$new/influxd" ./cmd/influxd
'
