#!/usr/bin/env bash
# scripts/stack: PostgreSQL and an S3 server start, answer, are found dead when killed, come back with their data, and stop;
# nobody else's process is touched and nothing is left behind.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
stack=$root/scripts/stack
export PQR_STACK_DIR=$work/stack
bystander=
leave() {
  "$stack" down --clean >/dev/null 2>&1
  PQR_STACK_DIR=$work/other "$stack" down --clean >/dev/null 2>&1
  [ -n "$bystander" ] && kill "$bystander" 2>/dev/null
  rm -rf "$work"
}
trap leave EXIT
tail -f /dev/null &
bystander=$!

# Processes that carry the mark of a stack of this test.
ours() { grep -lzxF "PQR_STACK_MARK=$PQR_STACK_DIR" /proc/[0-9]*/environ 2>/dev/null | wc -l; }
pid_of() { cut -d' ' -f1 "$PQR_STACK_DIR/$1/pid"; }
s3_do() { # METHOD PATH [FILE]
  local body=() hash
  hash=$(sha256sum "${3:-/dev/null}" | cut -d' ' -f1)
  [ $# -lt 3 ] || body=(--data-binary "@$3" -H 'Content-Type: application/octet-stream')
  curl -s --noproxy '*' --max-time 20 --aws-sigv4 "aws:amz:$AWS_REGION:s3" -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X "$1" \
    -H "x-amz-content-sha256: $hash" "${body[@]}" "${S3_AT:-$AWS_ENDPOINT_URL}/$PQR_STACK_BUCKET/$2"
}

expect 2 'no component' "$stack" up nosuch
expect 2 'no component' "$stack" up ../../etc
expect 1 'nothing was started' "$stack" env
"$stack" up postgres s3 >up 2>&1
code=$?
if [ "$code" -eq 77 ]; then
  echo "SKIPPED: $(sed -n 's/.*SKIPPED: *//p' up | tail -n 1)"
  exit 77
fi
same "$code" 0 "up postgres s3: $(tail -n 5 up)"
expect 0 '^postgres +running' "$stack" status
expect 0 '^s3 +running' "$stack" status
eval "$("$stack" env)" || exit 1
psql() { "$PQR_STACK_PG_BIN/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

# the environment is enough to connect, and the passwords are needed
same "$(psql -c 'SELECT current_database()')" pqr "database"
same "$(psql -d "$DATABASE_URL" -c 'SHOW fsync')" on "fsync"
[ "$(psql -c 'SHOW server_version_num')" -ge 150000 ] || bad "PostgreSQL older than 15"
PGPASSWORD=wrong PGHOST=$PQR_STACK_PG_SOCKET expect 2 'password authentication failed' "$PQR_STACK_PG_BIN/psql" -c 'SELECT 1'
if [ -n "$PQR_STACK_PG_CERT" ]; then
  same "$(PGSSLMODE=verify-full PGSSLROOTCERT=$PQR_STACK_PG_CERT psql -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')" t "TLS to PostgreSQL"
fi
head -c 100000 /dev/urandom >object
s3_do PUT 'a/b.bin' object >/dev/null
s3_do GET 'a/b.bin' >back
cmp -s object back || bad "object read back"
AWS_SECRET_ACCESS_KEY=wrong s3_do GET 'a/b.bin' | grep -q SignatureDoesNotMatch || bad "a wrong key is let in"
same "$(stat -c %a "$PQR_STACK_DIR/env")" 600 "mode of env"
for port in "$PGPORT" "${AWS_ENDPOINT_URL##*:}"; do # loopback only
  same "$(awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && $2 ~ port "$" { print $2 }' /proc/net/tcp /proc/net/tcp6)" \
    "$(printf '0100007F:%04X' "$port")" "addresses of port $port"
done

# a second up changes nothing
psql -c 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)'
before="$(pid_of postgres) $(pid_of s3)"
expect 0 'runs already' "$stack" up postgres s3
same "$(pid_of postgres) $(pid_of s3)" "$before" "processes after a second up"

# another stack beside it
expect 0 'answers' env PQR_STACK_DIR="$work/other" "$stack" up postgres
other=$(cut -d' ' -f1 other/postgres/pid)

# killed: noticed, and back with data and port
for name in postgres s3; do
  expect 0 '' "$stack" kill "$name"
  expect 1 "^$name +dead" "$stack" status
  expect 0 'answers' "$stack" up "$name"
done
expect 0 '^s3 +running' "$stack" status
same "$(psql -c 'SELECT n FROM kept')" 42 "row after a kill"
s3_do GET 'a/b.bin' | cmp -s object - || bad "object after a kill"

# the fault proxy before the server
expect 0 'answers' "$stack" up fault
eval "$("$stack" env)" || exit 1
curl -s --noproxy '*' -X PUT --data-binary 'answer status=503 code=SlowDown method=GET nth=1' "$PQR_STACK_FAULT_CONTROL/rules"
S3_AT=$PQR_STACK_FAULT_URL s3_do GET 'a/b.bin' | grep -q SlowDown || bad "the fault did not come"
S3_AT=$PQR_STACK_FAULT_URL s3_do GET 'a/b.bin' | cmp -s object - || bad "object through the proxy"
expect 0 '' "$stack" down fault
expect 0 '^fault +stopped' "$stack" status

# a pid file that names somebody else's process: not ours, not killed
expect 0 '' "$stack" down s3
echo "$bystander 1" >"$PQR_STACK_DIR/s3/pid"
expect 1 '^s3 +dead' "$stack" status
expect 0 '' "$stack" down s3
kill -0 "$bystander" 2>/dev/null || bad "down killed a process that is not the stack's"

# a port that somebody took meanwhile: another one is picked
echo "$PGPORT" >"$PQR_STACK_DIR/s3/port"
expect 0 'answers' "$stack" up s3
[ "$(cat "$PQR_STACK_DIR/s3/port")" != "$PGPORT" ] || bad "two components on one port"

# down, and up again: the data stays
expect 0 '' "$stack" down
same "$(ours)" 0 "processes after down"
expect 0 '^postgres +stopped' "$stack" status
expect 0 'answers' "$stack" up postgres
same "$(psql -c 'SELECT n FROM kept')" 42 "row after down and up"
place=$(cat "$PQR_STACK_DIR/postgres/place")
expect 0 '' "$stack" down --clean
same "$(ours)" 0 "processes after down --clean"
[ ! -e "$PQR_STACK_DIR" ] || bad "left behind: $(find "$PQR_STACK_DIR" | head -n 5)"
[ ! -e "$place" ] || bad "left behind: $place"
expect 0 '' "$stack" down
kill -0 "$bystander" "$other" 2>/dev/null || bad "down stopped what another stack or nobody started"

# one that does not answer in time, or ends, fails the command, shows its log and is stopped
mkdir hangs && ln -s "$PQR_STACK_PG_BIN"/{initdb,psql} hangs/
printf '#!/bin/sh\n[ "$1" = --version ] && exec "%s/postgres" --version\necho "taking my time"\nexec tail -f /dev/null\n' "$PQR_STACK_PG_BIN" >hangs/postgres
chmod 755 hangs hangs/postgres "$work"
PQR_PG_BIN=$work/hangs PQR_STACK_WAIT=2 expect 1 'did not answer in 2 s' "$stack" up postgres
same "$(ours)" 0 "processes after a failed start"
expect 0 'taking my time' "$stack" logs postgres
echo nonsense >>"$(cat "$PQR_STACK_DIR/postgres/place")/data/postgresql.conf"
expect 1 'syntax error in file' "$stack" up postgres
"$stack" down --clean
# one that cannot be had: a reason, and the status of a skipped test
mkdir bin && for tool in bash env cat sed tr grep awk date flock setsid mkdir touch timeout mktemp rm mv cut dirname id head tail wc tac; do ln -s "$(command -v "$tool")" bin/; done
PATH=$work/bin PQR_CACHE=$work/cache expect 77 'SKIPPED: versitygw: needs go' "$stack" up s3:versitygw
"$stack" down --clean

# not only as root
if [ "$(id -u)" -eq 0 ] && setpriv --reuid nobody --clear-groups test -x "$stack" 2>/dev/null; then
  mkdir -m 777 nobody
  expect 0 'answers' setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/nonexistent PQR_STACK_DIR="$work/nobody/stack" "$stack" up postgres
  expect 0 '' setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/nonexistent PQR_STACK_DIR="$work/nobody/stack" "$stack" down --clean
  [ ! -e nobody/stack ] || bad "left behind by nobody: $(find nobody | head -n 12)"
fi
done_testing
