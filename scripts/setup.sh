#!/usr/bin/env bash
# Puts on this machine what a task needs, and nothing twice. Quick when there is nothing to do.
#
#   scripts/setup.sh base     npm packages, exactly as in package-lock.json (the demo and a gateway need no more)
#   scripts/setup.sh kafka    base + node-rdkafka compiled (the hub's Kafka client)
#   scripts/setup.sh peers    servers and foreign programs for the tests (Debian packages, Kafka, InfluxDB, Python tools)
#   scripts/setup.sh all      all of these (the default)
#   scripts/setup.sh influx2  InfluxDB 2 for its tests, built with Go and Rust that are there (some minutes; `all` leaves it out)
#
# What was built or fetched is kept in ${MILEPOST_CACHE:-~/.cache/milepost}, so that a second clone takes seconds.
# Exit codes: 0 all there; 1 something could not be provided (said by name at the end); 2 usage.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
for part in common base kafka-client debian kafka-broker influx python; do
  # shellcheck disable=SC1090
  source "scripts/setup/$part.sh"
done

case "${1:-all}" in
  base) setup_base ;;
  kafka)
    setup_base
    provide setup_kafka_client
    ;;
  peers) setup_peers ;;
  influx2) provide setup_influxdb2 ;;
  all)
    setup_base
    provide setup_kafka_client
    setup_peers
    ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,11p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

if ((${#not_provided[@]})); then
  say "not provided on this machine: ${not_provided[*]}"
  exit 1
fi
