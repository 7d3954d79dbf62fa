#!/usr/bin/env bash
# What a PostgreSQL server refuses: TLS, writing, rights, room; and a stop while it works. One line that says what to do, nothing
# half published, and the same command goes through once the cause is gone.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
for tool in psql openssl python3; do command -v $tool >/dev/null || { echo "SKIPPED: no $tool here"; exit 77; }; done
server=$work/server
mkdir "$server"
chmod 755 "$work"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$root/tests/postgres" start "$server" listen_addresses=127.0.0.1 "port=$port" || exit
stop() {
  "$root/tests/postgres" stop "$server" >/dev/null 2>&1
  mountpoint -q "$work/tiny" && umount "$work/tiny"
  rm -rf "$work"
}
trap stop EXIT
export PGHOST=$server PGPORT=$port PGUSER=postgres
unset PGDATABASE PGSSLMODE PGSSLROOTCERT
sql() { psql -XAtq -d "${2:-postgres}" -c "$1" 2>/dev/null; }
# until VALUE SQL: asks again until the answer is VALUE
answers() { [ "$(sql "$2")" = "$1" ]; }
until_is() { within 120 answers "$@" || { bad "$2: not $1 within two minutes"; return 1; }; }
# refused PATTERN command...: exit status 1 and nothing but one line, of that kind
refused() {
  local pattern=$1 out code
  shift
  out=$("$@" --quiet 2>&1 </dev/null)
  code=$?
  same "$code" 1 "$*: exit status ($out)"
  same "$(wc -l <<<"$out")" 1 "$*: lines of $out"
  grep -qE -- "$pattern" <<<"$out" || bad "$*: no /$pattern/ in: $out"
}
published() { sql "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('gold', 'core')" "$1"; }

# --- TLS -------------------------------------------------------------------------------------------------------------
tcp() { echo "postgresql://postgres@$1:$port/postgres?$2"; }
refused "the server has no TLS, but sslmode asks for it" "$pqr" run "${small[@]}" --lake lake --control "$(tcp 127.0.0.1 sslmode=require)"
refused "the server has no TLS, but sslmode asks for it" "$pqr" run "${small[@]}" --lake lake --control "$(tcp 127.0.0.1 sslmode=verify-ca)"
for name in right other; do
  openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
    -keyout $name.key -out $name.crt >/dev/null 2>&1 || bad "openssl"
done
cp right.crt right.key "$server/data/"
chown --reference="$server/data/postgresql.conf" "$server/data/right.crt" "$server/data/right.key"
chmod 600 "$server/data/right.key"
sql "ALTER SYSTEM SET ssl_cert_file = 'right.crt'"
sql "ALTER SYSTEM SET ssl_key_file = 'right.key'"
sql 'ALTER SYSTEM SET ssl = on'
sql 'SELECT pg_reload_conf()' >/dev/null
until_is on 'SHOW ssl'
expect 0 'control plane' "$pqr" doctor --lake lake --control "$(tcp localhost "sslmode=verify-full&sslrootcert=$work/right.crt")"
refused "certificate is not to be trusted: .*sslrootcert=FILE" "$pqr" runs --lake lake --control "$(tcp localhost "sslmode=verify-full&sslrootcert=$work/other.crt")"
refused "certificate is not to be trusted: .*the host as the certificate has it" "$pqr" runs --lake lake --control "$(tcp 127.0.0.1 "sslmode=verify-full&sslrootcert=$work/right.crt")"
refused "certificate is not to be trusted: .*sslrootcert=FILE" "$pqr" runs --lake lake --control "$(tcp localhost "sslmode=verify-full&sslrootcert=$work/none.crt")"
sed -i '1i hostnossl all all all reject' "$server/data/pg_hba.conf"
sql 'SELECT pg_reload_conf()' >/dev/null
until_is reject "SELECT auth_method FROM pg_hba_file_rules WHERE line_number = 1"
refused 'lack of TLS: add .sslmode=require' "$pqr" runs --lake lake --control "$(tcp 127.0.0.1 sslmode=disable)"
expect 0 'control plane' "$pqr" doctor --lake lake --control "$(tcp 127.0.0.1 sslmode=require)"

# --- a database that turned read-only, and a user without the rights to publish ----------------------------------------
sql 'CREATE DATABASE work'
uri="postgresql:///work"
"$pqr" run "${small[@]}" --lake lake --control "$uri" --until gold --quiet >/dev/null 2>log || bad "until gold: $(tail -n 1 log)"
run_id=$("$pqr" runs --lake lake --control "$uri" --json | jq -r '.[0].run_id')
same "$(published work)" 0 "tables before publishing"
publish() { "$pqr" publish --run-id "$run_id" --lake lake --control "$1" "${@:2}"; }
sql 'ALTER DATABASE work SET default_transaction_read_only = on'
refused 'read-only: name the primary server, .*default_transaction_read_only' publish "$uri"
sql 'ALTER DATABASE work SET default_transaction_read_only = off'
sql 'CREATE ROLE halfway LOGIN'
sql 'GRANT USAGE ON SCHEMA meta TO halfway; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA meta TO halfway' work
refused 'lacks a right: GRANT pqr_etl TO it .*schema gold' publish "postgresql://halfway@/work"
same "$(published work)" 0 "tables after refused publications"
sql 'GRANT pqr_etl TO halfway'
expect 0 SUCCESS publish "postgresql://halfway@/work"
want=$(sql 'SELECT sum(tickets_count) FROM gold.kpi_volume_daily' work)
[ "${want:-0}" -gt 1000 ] || bad "gold.kpi_volume_daily holds '$want' tickets"

# --- Ctrl-C while the server makes us wait: its statement ends, not only our process --------------------------------------
PGAPPNAME=holder psql -XAtq -d work -c 'SELECT pg_advisory_lock(7381208)' -c 'SELECT pg_sleep(100)' >/dev/null 2>&1 &
holder=$!
until_is 1 "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 7381208"
env --default-signal=INT "$pqr" publish --run-id "$run_id" --lake lake --control "$uri" --quiet >out 2>&1 </dev/null &
pid=$!
until_is 1 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pqr' AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
kill -INT $pid
wait $pid
same "$?" 130 "exit status after Ctrl-C: $(tail -n 1 out)"
same "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder'")" 1 "what it waited for still stands"
until_is 0 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pqr'"
grep -q 'canceling statement due to user request' "$server/log" || bad "nothing was cancelled on the server"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null
wait $holder
expect 0 SUCCESS publish "$uri"
same "$(sql 'SELECT sum(tickets_count) FROM gold.kpi_volume_daily' work)" "$want" "published after Ctrl-C"

# --- no room left: a tablespace on a file system of a few MB ----------------------------------------------------------------
mkdir tiny
if mount -t tmpfs -o size=64m tmpfs tiny 2>/dev/null; then
  chown --reference="$server/data" tiny
  chmod 700 tiny
  sql "CREATE TABLESPACE tiny LOCATION '$work/tiny'"
  sql 'CREATE DATABASE small TABLESPACE tiny'
  expect 0 'control plane' "$pqr" doctor --lake full --control postgresql:///small
  sql CHECKPOINT
  used=$(du -sk tiny | cut -f1)
  mount -o remount,size=$((used + 1536))k tiny
  refused "disk is full: make room there" "$pqr" run "${small[@]}" --lake full --control postgresql:///small
  same "$(published small)" 0 "tables after the disk was full"
  mount -o remount,size=256m tiny
  expect 0 SUCCESS "$pqr" run "${small[@]}" --lake full --control postgresql:///small
  same "$(sql 'SELECT sum(tickets_count) FROM gold.kpi_volume_daily' small)" "$want" "published with room again"
else
  echo "not tested here: a full disk (mounting a small file system takes root)"
fi
done_testing
