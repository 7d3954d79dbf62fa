# A Dask cluster: a scheduler and two workers of one thread, with this repository's package and library. A worker that is killed comes back.
# shellcheck shell=bash disable=SC2154 # dir, cache and stack_root come from scripts/stack
names() { echo dask; }

dask_python() { echo "${cache%/stack}/venv-dask/bin/python"; }
obtain() {
  [ -x "$(dask_python)" ] || [ -n "${PQR_STACK_PREPARED:-}" ] || "$stack_root/scripts/install-deps" dask || true
  [ -x "$(dask_python)" ] || cannot "dask: no Python environment of it (scripts/install-deps dask)"
  [ -e "${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so}" ] || cannot "dask: no libpqr.so (make build)"
}
start() {
  local port
  port=$(port_of dask)
  launch dask env PYTHONPATH="$stack_root/python" PYTHONDONTWRITEBYTECODE=1 PQR_LIB="${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so}" \
    DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=30s DASK_TEMPORARY_DIRECTORY="$dir/dask" bash "$stack_root/scripts/stack.d/dask/cluster" "$(dask_python)" "$port" "$(port_of dask dashboard)" "$dir/dask"
  put_env dask DASK_SCHEDULER_ADDRESS "tcp://127.0.0.1:$port" PQR_STACK_DASK_PYTHON "$(dask_python)" \
    PQR_STACK_DASK_DASHBOARD "http://127.0.0.1:$(port_of dask dashboard)"
}
healthy() {
  local at
  at=http://127.0.0.1:$(port_of dask dashboard)
  curl -fsS -o /dev/null --max-time 5 "$at/health" && curl -fsS --max-time 5 "$at/json/counts.json" | grep -q '"workers": 2'
}
where() { echo "dask://127.0.0.1:$(port_of dask)"; }
