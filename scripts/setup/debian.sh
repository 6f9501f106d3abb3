# Debian packages of the servers and foreign programs that the tests use. Sourced by scripts/setup.sh.

# command=package; a command that is there already, from wherever, is not installed again.
peer_commands=(
  initdb=postgresql psql=postgresql-client mosquitto=mosquitto mosquitto_pub=mosquitto-clients
  redis-server=redis-server redis-cli=redis-tools victoria-metrics=victoria-metrics
  kcat=kcat socat=socat gpsd=gpsd gpspipe=gpsd-clients mbpoll=mbpoll tshark=tshark
  chromium=chromium umockdev-run=umockdev systemd-notify=systemd java=openjdk-17-jre-headless python3=python3
)

setup_peers() {
  provide setup_debian_packages
  provide setup_kafka_broker
  provide setup_influxdb
  provide setup_python_tools
}

# Servers stand where a user's PATH often does not reach.
has_command() {
  local folder
  command -v "$1" >/dev/null && return
  for folder in /usr/sbin /usr/local/sbin /usr/lib/postgresql/*/bin; do
    if [[ -x $folder/$1 ]]; then return 0; fi
  done
  return 1
}

setup_debian_packages() {
  local missing=() pair
  for pair in "${peer_commands[@]}"; do
    has_command "${pair%%=*}" || missing+=("${pair#*=}")
  done
  # Shared library of node-hid's binary; module of Python's virtual environments.
  if ! compgen -G '/usr/lib/*/libusb-1.0.so.0' >/dev/null; then missing+=(libusb-1.0-0); fi
  if ! python3 -c 'import ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
  if ((${#missing[@]} == 0)); then return; fi
  install_packages "${missing[@]}"
}
