# tests/stack/fault_proxy.py before the first S3 server of the stack, with TLS and without: rules by its control port.
# shellcheck shell=bash disable=SC2154,SC1091,SC1090 # dir comes from scripts/stack
names() { printf '%s\n' fault fault:tls; }
obtain() {
  command -v python3 >/dev/null || cannot "fault: needs python3"
  [ -n "$(fault_target)" ] || cannot "fault: start an S3 server first"
}
fault_target() { (unset AWS_ENDPOINT_URL; . "$dir/env" 2>/dev/null; echo "${AWS_ENDPOINT_URL:-}"); }
start() {
  local name=$1 tls=() variable=PQR_STACK_FAULT scheme=http
  [ "$variant" = tls ] && { tls=(--tls "$dir/$name") variable=PQR_STACK_FAULT_TLS scheme=https; }
  launch "$name" python3 "$stack_root/tests/stack/fault_proxy.py" --to "$(fault_target)" --port "$(port_of "$name")" \
    --control "$(port_of "$name" control)" --log "$dir/$name/requests.jsonl" "${tls[@]}"
  put_env "$name" "${variable}_URL" "$scheme://127.0.0.1:$(port_of "$name")" "${variable}_CONTROL" "http://127.0.0.1:$(port_of "$name" control)" \
    "${variable}_CERT" "${tls:+$dir/$name/cert.pem}"
}
healthy() { [ "$(curl -s -o /dev/null --noproxy '*' --max-time 5 -w '%{http_code}' "http://127.0.0.1:$(port_of "$1" control)/hits")" = 200 ]; }
where() { echo "$([ "$variant" = tls ] && echo https || echo http)://127.0.0.1:$(port_of "$1"), control $(port_of "$1" control)"; }
