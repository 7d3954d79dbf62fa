# Apache Kafka in KRaft mode, one node or (`kafka:3`) three, or one that clients reach by TLS and a password alone (`kafka:secure`), from the jars of Maven: kafka/pom.xml names them, kafka/jars.sha256 pins them.
# shellcheck shell=bash disable=SC2154,SC2034 # dir, cache and variant come from scripts/stack
kafka_version=4.4.0
names() { printf '%s\n' kafka kafka:3 kafka:secure; }
again='Address already in use' # the port of a broker that was just killed

kafka_jars=$stack_root/scripts/stack.d/kafka/jars.sha256
kafka_place() { echo "$cache/kafka-$kafka_version"; }
kafka_nodes() { case $variant in [0-9]*) echo "$variant" ;; *) echo 1 ;; esac; }
kafka_secure() { [ "$variant" = secure ]; }

# --- getting it --------------------------------------------------------------------------------------------------------
kafka_checked() { (cd "$1" && sed -E 's#  .*/#  #' "$kafka_jars" | sha256sum --check --quiet --strict) >&2; }
# All of them at once where there is Maven, else one after the other.
kafka_fetch() {
  local new=$1 path
  if command -v mvn >/dev/null && mvn -q -B -f "$stack_root/scripts/stack.d/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$new" >&2; then
    return 0
  fi
  while read -r _ path; do
    "$stack_root/scripts/fetch-jar" "$path" "$new/$(basename "$path")" || return 1
  done <"$kafka_jars"
}
kafka_get() {
  local place new begin=$SECONDS
  place=$(kafka_place)
  [ -e "$place/.complete" ] && return 0
  [ -z "${PQR_STACK_PREPARED:-}" ] || { say "kafka: not made ready (scripts/install-deps test)"; return 1; }
  mkdir -p "$cache" || return 1
  (
    exec 8>"$cache/.lock-kafka"
    flock -w 900 8 || exit 1
    [ -e "$place/.complete" ] && exit 0
    new=$(mktemp -d "$cache/.new-kafka-XXXXXX") || exit 1
    say "getting Kafka $kafka_version (once; $place)"
    kafka_fetch "$new" && kafka_checked "$new" || { rm -rf "$new"; exit 1; }
    rm -rf "$place" && mv "$new" "$place" && touch "$place/.complete"
    say "Kafka is here after $((SECONDS - begin)) s"
  )
}
obtain() {
  local version
  version=$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1)
  [ "${version:-0}" -ge 17 ] || cannot "kafka: no Java 17 (scripts/install-deps test)"
  ! kafka_secure || command -v openssl >/dev/null || cannot "kafka:secure: no openssl"
  kafka_get || cannot "kafka: its jars cannot be had: is Maven Central, or the mirror of PQR_MAVEN_URL, in reach?"
}

# --- running it --------------------------------------------------------------------------------------------------------
kafka_java() { java -Xmx512m -XX:+UseSerialGC -Dlog4j2.configurationFile="$stack_root/scripts/stack.d/kafka/log4j2.properties" -cp "$(kafka_place)/*" "$@"; }
kafka_ports() { # WHAT: of all nodes, node@host:port,... or host:port,...
  local i list=
  for ((i = 1; i <= $(kafka_nodes); i++)); do
    case $1 in
    controllers) list+=,$i@127.0.0.1:$(port_of "$2" "controller-$i") ;;
    *) list+=,127.0.0.1:$(port_of "$2" "broker-$i") ;;
    esac
  done
  echo "${list#,}"
}
kafka_properties() { # NAME NODE
  local replicas=$(($(kafka_nodes) < 3 ? 1 : 3))
  cat <<PROPERTIES
process.roles=broker,controller
node.id=$2
controller.quorum.voters=$(kafka_ports controllers "$1")
listeners=PLAINTEXT://127.0.0.1:$(port_of "$1" "broker-$2"),CONTROLLER://127.0.0.1:$(port_of "$1" "controller-$2")
advertised.listeners=PLAINTEXT://127.0.0.1:$(port_of "$1" "broker-$2")
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/$1/data-$2
auto.create.topics.enable=false
num.partitions=3
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=100
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
default.replication.factor=$replicas
min.insync.replicas=$(((replicas + 1) / 2))
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=1
PROPERTIES
}
# --- TLS and passwords -------------------------------------------------------------------------------------------------
# A certificate that signs itself for 127.0.0.1 and localhost, key and certificate in one PEM file.
kafka_certificate() { # NAME
  local at=$dir/$1
  [ -s "$at/broker.pem" ] && return 0
  (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
      -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$at/key.pem" -out "$at/ca.pem" >>"$at/log" 2>&1 &&
      cat "$at/key.pem" "$at/ca.pem" >"$at/broker.pem"
  )
}
kafka_secure_properties() { # NAME
  local at=$dir/$1 plain
  plain="org.apache.kafka.common.security.plain.PlainLoginModule required user_loader=\"$(secret "$1-loader")\";"
  sed -E "s#^listeners=.*#&,SECURE://127.0.0.1:$(port_of "$1" secure)#; s#^advertised.listeners=.*#&,SECURE://127.0.0.1:$(port_of "$1" secure)#
    s#^listener.security.protocol.map=.*#&,SECURE:SASL_SSL#" "$at/node-1.properties" >"$at/node-1.new" &&
    cat >>"$at/node-1.new" <<PROPERTIES && mv "$at/node-1.new" "$at/node-1.properties"
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=$plain
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$at/broker.pem
PROPERTIES
}
# The first node is the component; the others belong to its session and end with it.
start() {
  local name=$1 i id scram=()
  ! kafka_secure || scram=(--add-scram "SCRAM-SHA-512=[name=loader,password=$(secret "$name-loader")]")
  id=$(secret "$name-cluster" | cut -c1-22)
  for ((i = 1; i <= $(kafka_nodes); i++)); do
    kafka_properties "$name" "$i" >"$dir/$name/node-$i.properties" || return 1
    if kafka_secure; then kafka_certificate "$name" && kafka_secure_properties "$name" || return 1; fi
    [ -e "$dir/$name/data-$i/meta.properties" ] ||
      kafka_java kafka.tools.StorageTool format -t "$id" -c "$dir/$name/node-$i.properties" "${scram[@]}" >>"$dir/$name/log" 2>&1 || return 1
  done
  launch "$name" bash "$stack_root/scripts/stack.d/kafka/nodes" "$(kafka_place)" "$stack_root/scripts/stack.d/kafka/log4j2.properties" "$dir/$name"/node-*.properties
  if kafka_secure; then
    put_env "$name" PQR_STREAM_BROKERS "127.0.0.1:$(port_of "$name" secure)" PQR_STREAM_KAFKA_SECURITY_PROTOCOL SASL_SSL \
      PQR_STREAM_KAFKA_SASL_MECHANISM PLAIN PQR_STREAM_KAFKA_SASL_USERNAME loader \
      PQR_STREAM_KAFKA_SASL_PASSWORD "$(secret "$name-loader")" PQR_STREAM_KAFKA_SSL_CA_LOCATION "$dir/$name/ca.pem"
    return
  fi
  put_env "$name" PQR_STREAM_BROKERS "$(kafka_ports brokers "$name")" KAFKA_BOOTSTRAP_SERVERS "$(kafka_ports brokers "$name")" \
    PQR_STACK_KAFKA_JARS "$(kafka_place)"
}
# The log says when a node takes requests; its port must answer, too.
healthy() {
  local i
  for ((i = 1; i <= $(kafka_nodes); i++)); do
    listening "$(port_of "$1" "broker-$i")" || return 1
  done
  [ "$(tac "$dir/$1/log" | sed '/ starting: /q' | grep -c 'Kafka Server started')" -ge "$(kafka_nodes)" ]
}
where() { if kafka_secure; then echo "127.0.0.1:$(port_of "$1" secure)"; else kafka_ports brokers "$1"; fi; }
