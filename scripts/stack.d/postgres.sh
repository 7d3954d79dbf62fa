# PostgreSQL 15 or newer: a private cluster, scram passwords, TLS offered with a certificate of its own.
# shellcheck shell=bash disable=SC2154,SC1091,SC1090 # dir and cache come from scripts/stack
names() { echo postgres; }
# shellcheck disable=SC2034 # read by scripts/stack
stop_signal=INT # "fast": ends the sessions, writes a checkpoint
# shellcheck disable=SC2034
again='pre-existing shared memory block|lock file "postmaster.pid" already exists' # servers of a killed postmaster end soon

pg_bin() {
  local bin
  for bin in "${PQR_PG_BIN:-}" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -Vr) "$(pg_config --bindir 2>/dev/null)"; do
    [ -n "$bin" ] && [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ] && { echo "$bin"; return; }
  done
  return 1
}
# The server refuses to run as root.
pg_user() {
  [ "$(id -u)" -eq 0 ] || return 0
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}
as_pg() {
  local user
  user=$(pg_user)
  if [ -n "$user" ]; then (cd / && setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"); else "$@"; fi
}
# Where the cluster is: in the stack's folder, unless the server's user cannot get there (a clone below /root, a folder of
# mode 0700) or the socket's path would be longer than the 107 bytes a socket address holds.
pg_place() {
  local file=$dir/postgres/place user parent
  if [ ! -s "$file" ]; then
    user=$(pg_user)
    if [ ${#dir} -le 80 ] && as_pg test -x "$dir/postgres"; then
      echo "$dir/postgres/cluster" >"$file"
    else
      for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do as_pg test -x "$parent" && break; done
      mktemp -d "$parent/pqr-postgres-XXXXXX" >"$file" || return 1
    fi
    mkdir -p "$(cat "$file")" && chmod 755 "$(cat "$file")" || return 1
    [ -z "$user" ] || chown "$user" "$(cat "$file")" || return 1
  fi
  cat "$file"
}
obtain() {
  local version
  pg_bin >/dev/null || "$stack_root/scripts/install-deps" stack || true
  pg_bin >/dev/null || cannot "postgres: no server program here (scripts/install-deps stack, or PQR_PG_BIN=folder of initdb)"
  version=$("$(pg_bin)/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  [ "$version" -ge 15 ] || cannot "postgres: $(pg_bin) is version $version, 15 or newer is needed"
}
pg_init() {
  local place=$1 secret_file
  secret_file=$place/password
  (umask 077 && secret postgres >"$secret_file") || return 1
  [ -z "$(pg_user)" ] || chown "$(pg_user)" "$secret_file"
  as_pg "$(pg_bin)/initdb" -D "$place/data" -U pqr --pwfile="$secret_file" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync \
    >>"$dir/postgres/log" 2>&1 || { rm -rf "$place/data"; return 1; }
  rm -f "$secret_file"
  pg_certificate "$place" || true
}
pg_certificate() {
  local place=$1
  command -v openssl >/dev/null || return 1
  as_pg openssl req -new -x509 -days 3650 -nodes -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
    -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -keyout "$place/server.key" -out "$place/server.crt" >/dev/null 2>&1 &&
    as_pg chmod 600 "$place/server.key" && cp "$place/server.crt" "$dir/postgres/server.crt"
}
start() {
  local place tls=()
  place=$(pg_place) || return 1
  [ -d "$place/data" ] || pg_init "$place" || { tail -n 5 "$dir/postgres/log" >&2; return 1; }
  [ -s "$place/server.crt" ] && tls=(-c ssl=on -c "ssl_cert_file=$place/server.crt" -c "ssl_key_file=$place/server.key")
  local user
  user=$(pg_user)
  launch ${user:+-u "$user"} postgres "$(pg_bin)/postgres" -D "$place/data" -c listen_addresses=127.0.0.1 -p "$(port_of postgres)" \
    -c "unix_socket_directories=$place" -c fsync=on -c timezone=UTC -c log_timezone=UTC -c logging_collector=off "${tls[@]}"
  put_env postgres PGHOST 127.0.0.1 PGPORT "$(port_of postgres)" PGUSER pqr PGPASSWORD "$(secret postgres)" PGDATABASE pqr \
    DATABASE_URL "postgresql://pqr:$(secret postgres)@127.0.0.1:$(port_of postgres)/pqr" \
    PQR_STACK_PG_SOCKET "$place" PQR_STACK_PG_BIN "$(pg_bin)" PQR_STACK_PG_CERT "${tls:+$dir/postgres/server.crt}"
}
pg_query() {
  PGPASSWORD=$(secret postgres) PGCONNECT_TIMEOUT=5 "$(pg_bin)/psql" -XAtq -h 127.0.0.1 -p "$(port_of postgres)" -U pqr -d "$1" -v ON_ERROR_STOP=1 -c "$2"
}
healthy() { pg_query postgres 'SELECT 1'; }
prepare() { [ "$(pg_query postgres "SELECT 1 FROM pg_database WHERE datname = 'pqr'")" = 1 ] || pg_query postgres 'CREATE DATABASE pqr'; }
where() { echo "postgresql://127.0.0.1:$(port_of postgres)/pqr"; }
remove() {
  local place
  place=$(cat "$dir/postgres/place" 2>/dev/null) || return 0
  case $place in */pqr-postgres-*) rm -rf "$place" ;; esac
}
