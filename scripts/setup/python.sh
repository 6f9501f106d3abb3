# Python programs that speak the devices' protocols and are not ours. Sourced by scripts/setup.sh.
python_tools=(sllurp==3.0.5 pymodbus==3.16.1 pyserial==3.5)

setup_python_tools() {
  local name
  name=python-$(printf '%s ' "${python_tools[@]}" "$(python3 -V)" | cksum | cut -d' ' -f1)
  # A virtual environment holds absolute paths: it is made in its final place, and the mark says that it is complete.
  if [[ -e $cache/$name/complete ]]; then return; fi
  rm -rf "${cache:?}/$name"
  mkdir -p "$cache"
  step 'making a Python environment' 300 python3 -m venv "$cache/$name"
  step "pip install ${python_tools[*]}" 600 \
    "$cache/$name/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}"
  touch "$cache/$name/complete"
  ln -sfn "$name" "$cache/python"
}
