# Prefect: the server with its pages, the deployments of deploy/prefect, and a worker that runs them with this repository's build.
# PQR_LAKE_URI: the lake of runs that name none (default: below the stack's folder).
# shellcheck shell=bash disable=SC2154 # dir, cache and stack_root come from scripts/stack
names() { echo prefect; }

prefect_place() { echo "${cache%/stack}/venv-prefect"; }
obtain() {
  [ -n "${PQR_STACK_PREPARED:-}" ] || "$stack_root/scripts/install-deps" prefect || true
  [ -x "$(prefect_place)/bin/prefect" ] || cannot "prefect: no Python environment with it (scripts/install-deps prefect; is PyPI in reach?)"
}

start() {
  local at=$dir/$1 api
  api=http://127.0.0.1:$(port_of "$1")/api
  mkdir -p "$at/tmp"
  TMPDIR=$at/tmp PQR_LAKE_URI=${PQR_LAKE_URI:-$at/lake} PREFECT_HOME=$at/home PREFECT_API_URL=$api PREFECT_UI_API_URL=$api PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 PREFECT_WORKER_QUERY_SECONDS=2 \
    PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS=5 PYTHONPATH=$stack_root/python${PYTHONPATH:+:$PYTHONPATH} PQR_PROGRAM=${PQR_PROGRAM:-${PQR_BUILD:-$stack_root/build}/pqr} \
    PQR_LIB=${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so} \
    launch "$1" "$stack_root/scripts/stack.d/prefect/servers" "$(prefect_place)/bin/prefect" "$stack_root/deploy/prefect" "$(port_of "$1")" "$(port_of "$1" worker)"
  put_env "$1" PREFECT_API_URL "$api" PQR_STACK_PREFECT "$(prefect_place)"
}

healthy() { curl -fs -o /dev/null --noproxy '*' --max-time 5 "http://127.0.0.1:$(port_of "$1" worker)/health" && curl -fs -o /dev/null --noproxy '*' --max-time 5 "$(where "$1")/api/health"; }
where() { echo "http://127.0.0.1:$(port_of "$1")"; }
