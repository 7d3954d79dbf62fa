# Prometheus, its Pushgateway and Alertmanager, with deploy/prometheus: the addresses in it become those of this stack.
# PQR_PROMETHEUS_INTERVAL (default 15s): how often it scrapes and evaluates. PQR_ALERT_WEBHOOK: where alerts go.
# shellcheck shell=bash disable=SC2154 # dir and stack_root come from scripts/stack
names() { printf '%s\n' prometheus:pushgateway prometheus:alertmanager prometheus; }

obtain() {
  local program=${1/:/-}
  command -v "$program" >/dev/null || "$stack_root/scripts/install-deps" prometheus || true
  command -v "$program" >/dev/null || cannot "$1: no program $program here (scripts/install-deps prometheus)"
}

# The port of a component of this stack that was started before, else the one that stands in deploy/prometheus.
port_or() { cat "$dir/$1" 2>/dev/null || echo "$2"; }
# deploy/prometheus's files with the stack's own ports
configured() {
  sed -E -e "s/localhost:9090/127.0.0.1:$(port_of prometheus)/" -e "s/localhost:9091/127.0.0.1:$(port_of prometheus:pushgateway)/" \
    -e "s/localhost:9093/127.0.0.1:$(port_of prometheus:alertmanager)/" -e "s#http://localhost:5001/#${PQR_ALERT_WEBHOOK:-http://127.0.0.1:9/}#" \
    -e "s/localhost:8080/127.0.0.1:$(port_or serve/port 8080)/" -e "s/localhost:8787/127.0.0.1:$(port_or dask/port-dashboard 8787)/" \
    -e "s/(scrape|evaluation)_interval: 15s/\1_interval: ${PQR_PROMETHEUS_INTERVAL:-15s}/" "$stack_root/deploy/prometheus/$1"
}

start() {
  local at=$dir/$1 port component
  for component in $(names); do mkdir -p "$dir/$component"; done
  port=$(port_of "$1")
  case $1 in
    prometheus:pushgateway)
      launch "$1" prometheus-pushgateway --web.listen-address="127.0.0.1:$port"
      put_env "$1" PQR_PUSHGATEWAY_URL "http://127.0.0.1:$port"
      ;;
    prometheus:alertmanager)
      configured alertmanager.yml >"$at/alertmanager.yml"
      launch "$1" prometheus-alertmanager --config.file="$at/alertmanager.yml" --storage.path="$at/data" --cluster.listen-address= \
        --web.listen-address="127.0.0.1:$port"
      put_env "$1" PQR_ALERTMANAGER_URL "http://127.0.0.1:$port"
      ;;
    prometheus)
      configured prometheus.yml >"$at/prometheus.yml"
      cp "$stack_root/deploy/prometheus/rules.yml" "$at/"
      launch "$1" prometheus --config.file="$at/prometheus.yml" --storage.tsdb.path="$at/data" --web.listen-address="127.0.0.1:$port"
      put_env "$1" PQR_PROMETHEUS_URL "http://127.0.0.1:$port"
      ;;
  esac
}

healthy() { curl -fsS -o /dev/null --max-time 5 "$(where "$1")/-/ready" 2>/dev/null; }
where() { echo "http://127.0.0.1:$(port_of "$1")"; }
