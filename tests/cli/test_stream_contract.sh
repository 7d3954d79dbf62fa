#!/usr/bin/env bash
# pqr stream land of any JSON topic: a contract proposed, rows by it, a contract that grows, and those that are refused.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
rows() { "$pqr" table cat "$1" --lake lake --json 2>/dev/null | jq -c '.[]'; }

# 1200 orders; every third of another day, one in ten without a note
jq -nc 'range(1200) | {id: ., created_at: "2026-01-0\(1 + . % 3)T03:04:05Z", price: (. / 8), country: ["CO", "PE"][. % 2], lines: [{sku: "a", n: .}],
  paid: (. % 2 == 0)} + (if . % 10 == 0 then {} else {note: "n\(.)"} end)' >orders

# ---- a contract from messages ---------------------------------------------------------------------------------------------
"$pqr" stream land --infer 1000 --topic orders --source - <orders >orders.schema.json || bad 'infer'
same "$(jq -c '[.required, (.properties | map_values(.type + (.format // "")))]' orders.schema.json)" \
  '[["id","created_at","price","country","lines","paid"],{"id":"integer","created_at":"stringdate-time","price":"number","country":"string","lines":"array","paid":"boolean","note":"string"}]' proposed
same "$(jq -c .properties.lines.items orders.schema.json)" '{"type":"object","required":["sku","n"],"properties":{"sku":{"type":"string"},"n":{"type":"integer"}}}' 'proposed of lines'
test ! -e lake || bad 'a proposal made a lake'
head -n 10 orders | "$pqr" stream land --source - --lake lake --topic orders --contract orders.schema.json --table bronze.whole 2>/dev/null || bad 'land as proposed'
same "$(rows bronze.whole | jq -c '[.id, .lines, .extra]' | sort)" "$(head -n 10 orders | jq -c '[.id, .lines, null]' | sort)" 'lines in a column'
jq 'del(.properties.lines) | .required -= ["lines"]' orders.schema.json >flat && mv flat orders.schema.json # what is no member is kept in extra

# ---- rows by it -----------------------------------------------------------------------------------------------------------
land=("$pqr" stream land --source - --lake lake --topic orders --table bronze.orders --partition-by 'date(created_at)')
head -n 500 orders | "${land[@]}" --source-id first --contract orders.schema.json 2>/dev/null || bad 'land the first orders'
"${land[@]}" --source-id first --contract orders.schema.json --bytes 20000 <orders 2>/dev/null || bad 'land the rest'
same "$(rows bronze.orders | jq -c '[.id, .created_at, .price, .country, .paid, .note, .extra, .kafka_topic, .created_at_date]' | sort | sha256sum)" \
  "$(jq -c '[.id, (.created_at | sub("Z"; ".000000Z")), .price, .country, .paid, .note, ({lines} | tojson), "orders", .created_at[:10]]' orders | sort | sha256sum)" 'rows and orders, each once'

# ---- what breaks it -------------------------------------------------------------------------------------------------------
{
  jq -c 'select(.id == 1) | del(.paid)' orders
  jq -c 'select(.id == 1) | .id = "1"' orders
  jq -c 'select(.id == 1) | .created_at = "soon"' orders
  echo '{"id":'
  echo '[]'
} | "${land[@]}" --source-id wrong --contract orders.schema.json 2>/dev/null || bad 'land what is wrong'
same "$(rows rejects.orders | jq -r '"\(.kafka_offset) \(.reason)"' | sort | paste -sd,)" '0 missing:paid,1 bad_type:id,2 bad_format:created_at,3 not_json,4 not_object' rejects
same "$(rows bronze.orders | wc -l)" 1200 'no row of them'

# ---- a contract that grows, shrinks, changes ------------------------------------------------------------------------------
jq '.properties = {channel: {type: "string"}} + (.properties | del(.note))' orders.schema.json >grown.schema.json
jq -c 'select(.id < 2) | .channel = "web"' orders | "${land[@]}" --source-id grown --contract grown.schema.json 2>/dev/null || bad 'land by a grown contract'
same "$(rows bronze.orders | jq -r 'select(.channel == "web") | "\(.id) \(.note) \(.extra)"' | sort | paste -sd'|')" \
  '0 null {"lines":[{"sku":"a","n":0}]}|1 null {"lines":[{"sku":"a","n":1}],"note":"n1"}' 'a new column; what is no member any more'
same "$(rows bronze.orders | wc -l)" 1202 'the others stand'
jq -c 'select(.id == 3)' orders | "${land[@]}" --source-id back --contract orders.schema.json 2>/dev/null || bad 'land by the older contract'
same "$(rows bronze.orders | jq -c 'select(.id == 3) | [.note, .channel]' | sort -u)" '["n3",null]' 'both columns stay'
jq '.properties.id.type = "string"' orders.schema.json >changed.schema.json
expect 1 "column 'id' of the table is int64 there, string here" "${land[@]}" --source-id x --contract changed.schema.json
expect 1 'the table is partitioned by created_at_date there, by nothing here' "$pqr" stream land --source - --lake lake --topic orders --table bronze.orders --contract orders.schema.json

# ---- two topics into one table; a table partitioned by a text ----------------------------------------------------------------
for topic in north south; do
  jq -c 'select(.id < 100)' orders | "$pqr" stream land --source - --lake lake --source-id "$topic" --topic "$topic" --table bronze.both --contract orders.schema.json \
    --partition-by country 2>/dev/null || bad "land $topic"
done
same "$(rows bronze.both | jq -r '"\(.kafka_topic) \(.country)"' | sort | uniq -c | awk '{ print $2, $3, $1 }' | paste -sd,)" 'north CO 50,north PE 50,south CO 50,south PE 50' 'two topics'

# ---- changes --------------------------------------------------------------------------------------------------------------
echo '{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string"}}}' >row.schema.json
{
  echo '{"payload":{"op":"c","before":null,"after":{"id":1,"name":"a"},"source":{"lsn":1},"ts_ms":1767225600000},"schema":{}}'
  echo '{"op":"u","before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"ts_ms":1767225601000}'
  echo '{"op":"d","before":{"id":1,"name":"b"},"after":null}'
  echo '{"id":1,"name":"c"}'
} | "$pqr" stream land --source - --lake lake --source-id changes --topic db.rows --table bronze.changes --contract row.schema.json --format debezium 2>/dev/null || bad 'land changes'
same "$(rows bronze.changes | jq -c '[.change_op, .id, .name, .change_at, .change_before, .change_source]' | paste -sd' ')" \
  '["c",1,"a","2026-01-01T00:00:00.000000Z",null,"{\"lsn\":1}"] ["u",1,"b","2026-01-01T00:00:01.000000Z","{\"id\":1,\"name\":\"a\"}",null] ["d",1,"b",null,"{\"id\":1,\"name\":\"b\"}",null]' changes
same "$(rows rejects.changes | jq -r .reason)" not_change 'what is no change'

# ---- nested members: lists and structs, and a contract that gains a field -------------------------------------------------
jq -n '{type: "object", properties: {id: {type: "integer"}, to: {type: "object", properties: {city: {type: "string"}}},
  lines: {type: "array", items: {type: "object", required: ["sku"], properties: {sku: {type: "string"}, price: {type: "number", multipleOf: 0.01}}}}}}' >basket.json
jq '.properties.to.properties.zip = {type: "string"} | .properties.lines.items.properties.n = {type: "integer"}' basket.json >basket2.json
jq '.properties.lines.items.properties.price = {type: "string"}' basket.json >basket3.json
basket() { "$pqr" stream land --source - --lake lake --source-id "$1" --topic baskets --table bronze.baskets --contract "$2" 2>err.txt; }
{
  echo '{"id":1,"to":{"city":"Lugo"},"lines":[{"sku":"a","price":1.25},{"sku":"b"}]}'
  echo '{"id":2,"lines":[],"to":{"city":"Vigo","zip":"36"}}'
  echo '{"id":3,"lines":[{"sku":"a"},{"price":2}]}'
} | basket one basket.json || bad 'land nested members'
echo '{"id":4,"to":{"zip":"15","city":"Lugo"},"lines":[{"n":2,"sku":"c"}]}' | basket two basket2.json || bad "land more fields: $(cat err.txt)"
same "$(rows bronze.baskets | jq -c '[.id, .to, .lines, .extra]' | sort | paste -sd' ')" \
  '[1,{"city":"Lugo","zip":null},[{"sku":"a","price":1.25,"n":null},{"sku":"b","price":null,"n":null}],null] [2,{"city":"Vigo","zip":null},[],"{\"to\":{\"city\":\"Vigo\",\"zip\":\"36\"}}"] [4,{"city":"Lugo","zip":"15"},[{"sku":"c","price":null,"n":2}],null]' 'nested rows'
same "$(rows rejects.baskets | jq -r .reason)" 'missing:$.lines[1].sku' 'the path of what is missing'
echo '{"id":5}' | basket three basket3.json && bad 'a nested type was changed'
grep -q "column 'lines' of the table" err.txt || bad "$(cat err.txt)"

# ---- refusals: by name, and before there is a lake ------------------------------------------------------------------------
any=("$pqr" stream land --source - --lake none)
jq '.properties.note.pattern = "^n"' orders.schema.json >pattern.json
jq '.properties.lines = {type: "array"}' orders.schema.json >nested.json
expect 2 "pattern.json: member 'note': a keyword of JSON Schema that is not understood: 'pattern'" "${any[@]}" --topic t --table bronze.t --contract pattern.json
expect 2 "nested.json: member 'lines': an array needs 'items'" "${any[@]}" --topic t --table bronze.t --contract nested.json
expect 2 "no member to partition by: 'nothing'" "${any[@]}" --topic t --table bronze.t --contract orders.schema.json --partition-by nothing
expect 2 '--contract goes with --table' "${any[@]}" --topic t --contract orders.schema.json
expect 2 '--contract goes with --topic' "${any[@]}" --table bronze.t --contract orders.schema.json
expect 2 '--table goes with --contract' "${any[@]}" --table bronze.t
expect 2 'a table is named as bronze.orders' "${any[@]}" --topic t --table orders --contract orders.schema.json
expect 2 '--format: expected json or debezium' "${any[@]}" --topic t --table bronze.t --contract orders.schema.json --format avro
expect 2 '--infer: expected' "${any[@]}" --topic t --infer 0
expect 1 'no contract to propose' "${any[@]}" --topic t --infer 5
expect 1 'absent.json' "${any[@]}" --topic t --table bronze.t --contract absent.json
test ! -e none || bad 'a refusal made a lake'
done_testing
