#!/usr/bin/env bash
# pqr stream and a broker that lets in by TLS and a password alone: settings of librdkafka by file, environment and flag; each refusal is one line.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stack.sh
. "$root/tests/cli/stack.sh"
[ -x "${pqr%/*}/tests/interop/kafka_tool" ] || { echo 'SKIPPED: built without librdkafka'; exit 77; }
stack_up kafka:secure
password=$PQR_STREAM_KAFKA_SASL_PASSWORD ca=$PQR_STREAM_KAFKA_SSL_CA_LOCATION
land() { "$pqr" stream land --once --lake lake "$@"; }

# ---- by environment -------------------------------------------------------------------------------------------------------
expect 2 '^pqr: error: there is no topic user-events$' land
expect 0 '1 000 events sent to topic user-events' "$pqr" stream produce --rate max --limit 1000
expect 0 'landed 1 000 records' land
expect 0 'ok +stream group +pqr-land-bronze.user_events: 0 members, 0 behind in user-events' "$pqr" doctor --lake lake
"$pqr" stream produce --rate max --limit 500 --first 1000 2>/dev/null
expect 0 '0 members, 500 behind in user-events; none of it runs' "$pqr" doctor --lake lake
expect 0 'ok +topic +user-events: 3 partitions, 1 500 messages' "$pqr" doctor --lake lake
PQR_STREAM_TOPIC=nothing expect 0 'none +topic +nothing is not there yet' "$pqr" doctor --lake lake
PQR_STREAM_KAFKA_SASL_PASSWORD=hunter2 expect 1 'BAD +broker +Kafka refuses: .*Authentication failed' "$pqr" doctor --lake lake
expect 0 'landed 500 records' land
refused() { # PATTERN; the environment is the caller's
  expect 5 "$1" land
  same "$(land 2>&1 | wc -l)" 1 "lines of the refusal ($1)"
}
PQR_STREAM_KAFKA_SASL_PASSWORD=hunter2 refused '^pqr: error: Kafka refuses: .*Authentication failed'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=other -keyout other.key -out other.pem 2>/dev/null
PQR_STREAM_KAFKA_SSL_CA_LOCATION=$PWD/other.pem refused '^pqr: error: Kafka refuses: .*certificate'
same "$(PQR_STREAM_KAFKA_SASL_PASSWORD=hunter2 land --log-level debug --kafka debug=all 2>&1 | grep -c hunter2)" 0 'a password in the log'

# ---- SCRAM ----------------------------------------------------------------------------------------------------------------
# The distribution's library lets us in, or it is one that newer brokers refuse, and that is said.
export PQR_STREAM_KAFKA_SASL_MECHANISM=SCRAM-SHA-512
land --lake scram 2>refusal || { grep -qE 'SCRAM of librdkafka (1|2\.[0-6])[.0-9]* is refused by newer brokers' refusal && same "$(wc -l <refusal)" 1 'lines of the refusal (SCRAM)'; } ||
  bad "SCRAM: $(cat refusal)"
if newer=$(newer_librdkafka); then
  LD_LIBRARY_PATH=$newer expect 0 'landed 1 500 records' land --lake scram-newer
  export LD_LIBRARY_PATH=$newer
  PQR_STREAM_KAFKA_SASL_PASSWORD=hunter2 refused '^pqr: error: Kafka refuses: .*invalid credentials with SASL mechanism SCRAM-SHA-512 [^:]*$'
  unset LD_LIBRARY_PATH
else
  echo 'left out: SCRAM with a newer librdkafka (scripts/install-deps test)'
fi

# ---- by file, with names as they are ----------------------------------------------------------------------------------------
unset "${!PQR_STREAM_KAFKA_@}"
cat >pqr.yaml <<YAML
stream:
  kafka:
    security.protocol: SASL_SSL
    sasl.mechanism: PLAIN
    sasl.username: loader
    sasl.password: $password
    ssl.ca.location: $ca
    fetch.wait.max.ms: 100
YAML
expect 0 'landed 1 500 records' land --lake other
expect 5 'Authentication failed' land --kafka sasl.username=nobody # a flag comes last
same "$(land --kafka sasl.username=nobody 2>&1 | grep -cF "$password")" 0 'the password in an error'
sed -i 's/sasl.username: loader/sasl: {username: loader}/' pqr.yaml
expect 2 'pqr.yaml:5: stream.kafka.sasl: expected a text under the whole name' land
sed -i "s/sasl: .*/no.such: $password/" pqr.yaml
expect 2 'has no setting no.such$' land
done_testing
