# InfluxDB 1.8, the last with the v2 write API that builds from Go modules alone. Sourced by scripts/setup.sh.
influx_version=1.8.10

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
