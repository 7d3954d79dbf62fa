# pqr serve over a lake: PQR_LAKE_URI, else ./lake; its control plane: PQR_CONTROL_URI, else the lake's own, else this stack's PostgreSQL.
# shellcheck shell=bash disable=SC2154 # dir and stack_root come from scripts/stack
names() { echo serve; }

serve_lake() { # a path becomes whole: components start in /
  case ${PQR_LAKE_URI:-} in
    '') echo "$PWD/lake" ;;
    *://* | /*) echo "$PQR_LAKE_URI" ;;
    *) echo "$PWD/$PQR_LAKE_URI" ;;
  esac
}
obtain() {
  [ -x "${PQR_BUILD:-$stack_root/build}/pqr" ] || cannot "serve: no ${PQR_BUILD:-$stack_root/build}/pqr (scripts/build release)"
  case $(serve_lake) in *://*) ;; *) [ -d "$(serve_lake)" ] || cannot "serve: no lake at $(serve_lake) (pqr run makes one, PQR_LAKE_URI names another)" ;; esac
}
serve_control() {
  local lake
  lake=$(serve_lake)
  if [ -n "${PQR_CONTROL_URI:-}" ]; then
    echo "$PQR_CONTROL_URI"
  elif [ ! -e "$lake/control.db" ] && pid_of postgres >/dev/null; then
    sed -nE "s/^export DATABASE_URL='(.*)'$/\1/p" "$dir/postgres/env"
  else
    echo "sqlite:$lake/control.db"
  fi
}

start() {
  PQR_LAKE_URI=$(serve_lake) PQR_CONTROL_URI=$(serve_control) launch "$1" "${PQR_BUILD:-$stack_root/build}/pqr" serve --listen "127.0.0.1:$(port_of "$1")"
  put_env "$1" PQR_SERVE_URL "$(where "$1")"
}

healthy() { curl -fs -o /dev/null --noproxy '*' --max-time 5 "$(where "$1")/healthz"; }
where() { echo "http://127.0.0.1:$(port_of "$1")"; }
