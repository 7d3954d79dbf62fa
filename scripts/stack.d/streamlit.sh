# python/streamlit_app, over the database that PQR_BI_URI names, else the control plane of ./lake, else this stack's PostgreSQL.
# shellcheck shell=bash disable=SC2154 # dir, cache and stack_root come from scripts/stack
names() { echo streamlit; }

streamlit_place() { echo "${cache%/stack}/venv-bi"; }
obtain() {
  [ -n "${PQR_STACK_PREPARED:-}" ] || "$stack_root/scripts/install-deps" dashboards || true
  [ -x "$(streamlit_place)/bin/streamlit" ] || cannot "streamlit: no Python environment with it (scripts/install-deps dashboards; is PyPI in reach?)"
}
streamlit_database() {
  if [ -n "${PQR_BI_URI:-}" ]; then
    echo "$PQR_BI_URI"
  elif [ ! -e lake/control.db ] && pid_of postgres >/dev/null; then
    sed -nE "s/^export DATABASE_URL='(.*)'$/\1/p" "$dir/postgres/env"
  else
    echo "sqlite:$PWD/lake/control.db"
  fi
}

start() {
  PQR_BI_URI=$(streamlit_database) PYTHONDONTWRITEBYTECODE=1 \
    launch "$1" "$(streamlit_place)/bin/streamlit" run "$stack_root/python/streamlit_app/app.py" --server.headless true --server.address 127.0.0.1 \
    --server.port "$(port_of "$1")" --server.fileWatcherType none --browser.gatherUsageStats false --client.toolbarMode viewer
  put_env "$1" PQR_STREAMLIT_URL "$(where "$1")"
}

healthy() { curl -fs -o /dev/null --noproxy '*' --max-time 5 "$(where "$1")/_stcore/health"; }
where() { echo "http://127.0.0.1:$(port_of "$1")"; }
