# tests/cli/stack.sh: sourced after lib.sh by tests that need real servers. Each has a stack of its own, gone at the end.
# shellcheck shell=bash disable=SC2154 # root and work come from lib.sh
stack=$root/scripts/stack
export PQR_STACK_DIR=$work/stack
stack_gone() { "$stack" down --clean >/dev/null 2>&1; rm -rf "$work"; }
trap stack_gone EXIT
trap 'exit 130' INT TERM

# stack_up COMPONENT...: starts them and sets their environment; ends the test as skipped (77) where one cannot be had.
stack_up() {
  local code
  "$stack" up "$@" >"$work/stack-up.log" 2>&1
  code=$?
  if [ "$code" -eq 77 ]; then
    echo "SKIPPED: $(sed -n 's/.*SKIPPED: *//p' "$work/stack-up.log" | head -n 1)"
    exit 77
  fi
  [ "$code" -eq 0 ] || { cat "$work/stack-up.log"; echo "FAILED: scripts/stack up $*"; exit 1; }
  eval "$("$stack" env)"
}
# stack_use COMPONENT: from here on AWS_* are those of this S3 server
stack_use() { eval "$("$stack" env "$1")"; }

# A folder with the librdkafka of scripts/install-deps, newer than the distribution's, for LD_LIBRARY_PATH; status 1 where it is not installed.
newer_librdkafka() {
  local found
  for found in "${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}"/venv-librdkafka/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so*; do
    [ -e "$found" ] || return 1
    mkdir -p "$work/librdkafka" && ln -sf "$found" "$work/librdkafka/librdkafka.so.1" && echo "$work/librdkafka"
    return
  done
}
