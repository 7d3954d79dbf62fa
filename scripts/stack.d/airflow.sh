# Apache Airflow with LocalExecutor and the DAGs of deploy/airflow, which run this repository's build: scheduler, triggerer, DAG processor and API
# server. PQR_AIRFLOW_DAGS: another folder of DAGs. PQR_LAKE_URI: the lake of tasks that name none (default: below the stack's folder).
# shellcheck shell=bash disable=SC2154 # dir, cache and stack_root come from scripts/stack
names() { echo airflow; }

airflow_place() { echo "${cache%/stack}/venv-airflow"; }
obtain() {
  [ -n "${PQR_STACK_PREPARED:-}" ] || "$stack_root/scripts/install-deps" airflow || true
  [ -x "$(airflow_place)/bin/airflow" ] || cannot "airflow: no Python environment with it (scripts/install-deps airflow; is PyPI in reach?)"
}

# PostgreSQL where this stack has it: on SQLite two writers at once can end in "database is locked".
airflow_database() {
  if pid_of postgres >/dev/null; then
    (
      . "$dir/postgres/env"
      [ "$("$PQR_STACK_PG_BIN/psql" -XAtqc "SELECT 1 FROM pg_database WHERE datname = 'airflow'")" = 1 ] || "$PQR_STACK_PG_BIN/createdb" airflow || exit 1
      echo "postgresql+psycopg2://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/airflow"
    )
  else
    echo "sqlite:///$dir/$1/home/airflow.db"
  fi
}

# Its configuration is the variables that its own commands read, too.
start() {
  local at=$dir/$1 port database settings i
  port=$(port_of "$1")
  database=$(airflow_database "$1") || return 1
  settings=(
    AIRFLOW_HOME "$at/home"
    AIRFLOW__CORE__DAGS_FOLDER "${PQR_AIRFLOW_DAGS:-$stack_root/deploy/airflow/dags}"
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN "$database"
    AIRFLOW__CORE__LOAD_EXAMPLES False
    AIRFLOW__CORE__PARALLELISM 4
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL "http://127.0.0.1:$port/execution/"
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS admin:admin
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE "$at/passwords.json"
    AIRFLOW__CORE__FERNET_KEY "$(printf %s "$(secret "$1-fernet" | cut -c1-32)" | base64 | tr '+/' '-_')"
    AIRFLOW__API_AUTH__JWT_SECRET "$(secret "$1-jwt")"
    AIRFLOW__API__SECRET_KEY "$(secret "$1-api")"
    AIRFLOW__API__HOST 127.0.0.1
    AIRFLOW__API__PORT "$port"
    AIRFLOW__API__BASE_URL "http://127.0.0.1:$port"
    AIRFLOW__API__WORKERS 1
    AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT 60
    AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL 10
  )
  for ((i = 0; i < ${#settings[@]}; i += 2)); do local -x "${settings[i]}=${settings[i + 1]}"; done
  mkdir -p "$at/tmp"
  [ -s "$at/passwords.json" ] || (umask 077 && printf '{"admin": "%s"}' "$(secret "$1-admin")" >"$at/passwords.json")
  TMPDIR=$at/tmp PQR_LAKE_URI=${PQR_LAKE_URI:-$at/lake} PYTHONPATH=$stack_root/python${PYTHONPATH:+:$PYTHONPATH} PQR_PROGRAM=${PQR_PROGRAM:-${PQR_BUILD:-$stack_root/build}/pqr} \
    PQR_LIB=${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so} PATH="$(airflow_place)/bin:$PATH" launch "$1" "$stack_root/scripts/stack.d/airflow/servers" "$(airflow_place)/bin/airflow"
  put_env "$1" "${settings[@]}" PQR_STACK_AIRFLOW "$(airflow_place)" PQR_STACK_AIRFLOW_URL "$(where "$1")" PQR_STACK_AIRFLOW_PASSWORD "$(secret "$1-admin")"
}
healthy() {
  curl -fs --noproxy '*' --max-time 5 "$(where "$1")/api/v2/monitor/health" |
    python3 -c 'import json, sys; h = json.load(sys.stdin); sys.exit(any(h[p]["status"] != "healthy" for p in ("metadatabase", "scheduler", "triggerer", "dag_processor")))'
}
where() { echo "http://127.0.0.1:$(port_of "$1")"; }
