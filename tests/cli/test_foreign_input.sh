#!/usr/bin/env bash
# Events of others: every kind of bad line is rejected with its reason, good ones arrive, bytes are kept, any split gives the same rows.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
t=11111111-1111-4111-8111-111111111111
id() { printf '%08x-0000-4000-8000-000000000000' "$1"; }
created() { printf '{"event_id":"%s","ticket_id":"%s","event_type":"TICKET_CREATED","ts":"%s","data":{"external_id":"x-1","source_channel":"email","pqrs_type":"P","priority":"alta","text":"¿Cuándo responden? \\ud83d\\ude00"}}' "$(id "$1")" "$t" "$2"; }
status() { printf '{"event_id":"%s","ticket_id":"%s","event_type":"STATUS_CHANGED","ts":"%s","data":{"status_from":"%s","status_to":"%s"}}' "$(id "$1")" "$t" "$2" "$3" "$4"; }
{
  printf '\xef\xbb\xbf'
  created 1 2026-03-02T09:00:00-05:00; printf '\r\n'
  status 2 2026-03-02T10:00:00.123456789-05:00 RECEIVED RADICATED; printf '\n'
  printf '\n   \n'
  printf 'not json\n'
  printf '[1,2]\n'
  printf '{"event_id":"%s"}\n' "$(id 3)"
  printf '{"event_id":"nope","ticket_id":"%s","event_type":"STATUS_CHANGED","ts":"2026-03-03T00:00:00Z","data":{"status_from":"RECEIVED","status_to":"RADICATED"}}\n' "$t"
  status 4 'yesterday' RECEIVED RADICATED; printf '\n'
  printf '{"event_id":"%s","ticket_id":"%s","event_type":"PARTY","ts":"2026-03-03T00:00:00Z","data":{}}\n' "$(id 5)" "$t"
  printf '{"bad":"\xff\xfe"}\n'
  status 2 2026-03-02T10:00:00.123456789-05:00 RECEIVED RADICATED; printf '\n'  # a repeat: dropped and counted
  status 2 2026-03-02T10:00:00.123456789-05:00 RECEIVED CLOSED; printf '\n'     # the same id, other content: a conflict
  status 6 2026-03-03T08:00:00-05:00 CLOSED ARCHIVED; printf '\n'              # parses, but breaks the state machine
  head -c 17000000 /dev/zero | tr '\0' 'x'; printf '\n'
  status 7 2026-03-04T23:30:00-05:00 RADICATED CLASSIFIED                       # no newline at the end
} >events.jsonl

expect 0 '' "$pqr" run --input events.jsonl --lake lake --json
"$pqr" run --input events.jsonl --lake lake2 --json >report.json 2>/dev/null || bad "foreign run"
same "$(jq -c '[.rows.raw, .rows.bronze, .rows.duplicates, .rows.rejected]' report.json)" '[14,4,1,9]' "raw, bronze, duplicates, rejects"
find lake/rejects -name rejects.jsonl -exec cat {} + >rejects.jsonl
for reason in not_json not_object missing bad_uuid:event_id bad_timestamp bad_enum:event_type invalid_utf8 conflicting_duplicate too_long; do
  grep -q "\"reason\":\"$reason" rejects.jsonl || bad "no reject with reason $reason"
done
same "$(lake_hash lake2)" "$(lake_hash lake)" "the same input twice"
same "$(jq -c .counts lake/manifests/day=*/run_id=*/manifest.json)" '{"STATUS_CHANGED":5,"TICKET_CREATED":1}' "valid events by type, repeats too, in the manifest"
# The bytes of the lines are kept (the BOM and blank lines are no line).
same "$(find lake/raw -name events.jsonl -exec cat {} + | LC_ALL=C sort | sha256sum)" \
  "$(tail -c +4 events.jsonl | { cat; echo; } | grep -aE '[^[:space:]]' | LC_ALL=C sort | sha256sum)" "lines of raw"
[ -n "$(find lake/raw -path '*day=unknown*' -name events.jsonl)" ] || bad "no day=unknown"
[ -n "$(find lake/raw -path '*source=mixed/day=2026-03-05*' -name events.jsonl)" ] || bad "23:30 in Bogota is the next day in UTC"

# What the run is worth outlives control.db.
same "$(jq -r .status report.json)" DEGRADED "status with rejects"
checks() { "$pqr" quality --lake lake2 --json | jq -c 'map([.dataset, .check_name, .result, .value, .details])'; }
before=$(checks)
rm lake2/control.db*
same "$("$pqr" run --input events.jsonl --lake lake2 --json 2>/dev/null | jq -c '[.status, .quality.warn > 0]')" '["DEGRADED",true]' "status after control.db was lost"
same "$(checks)" "$before" "checks after control.db was lost"

# One line of another century, or of a clock that was never set, stops nothing and moves nothing.
u=22222222-1111-4111-8111-111111111111
{
  created 8 2026-03-02T09:00:00-05:00; printf '\n'
  created 9 9999-12-31T00:00:00Z | sed "s/$t/$u/"; printf '\n'
  status 10 1970-01-01T00:00:00Z RECEIVED RADICATED; printf '\n'
} >century.jsonl
"$pqr" run --input century.jsonl --lake century --as-of 2026-03-31 --json >report.json 2>/dev/null || bad "a line of another century"
same "$(jq -c '[.status, .rows.bronze, .rows.rejected, .rows.silver.tickets]' report.json)" '["DEGRADED",2,1,1]' "a line of another century"
same "$("$pqr" quality --lake century --json | jq -r '.[] | select(.check_name == "deferred_events") | .result + " " + .value + " " + .details' | grep -o '^WARN 1 .*newest: 9999-12-31')" \
  "WARN 1 events after as_of: kept in bronze, counted nowhere; newest: 9999-12-31" "deferred event"
grep -q '"reason":"bad_timestamp"' "$(find century/rejects -name rejects.jsonl)" || bad "an event of 1970"
"$pqr" run --input century.jsonl --lake century2 --json >report.json 2>/dev/null || bad "a line of another century, no as-of"
same "$(jq -r .as_of report.json)" 2026-03-03T04:59:59.999999Z "as_of beside an event of 9999"
created 9 9999-12-31T00:00:00Z >future.jsonl
"$pqr" run --input future.jsonl --lake future --json >report.json 2>/dev/null || bad "nothing but the future"
same "$(jq -c '[.rows.bronze, .rows.silver.tickets // 0]' report.json)" '[1,0]' "nothing but the future"
[ "$(jq -r .as_of report.json)" \< "$(date -u -d '+2 days' +%F)" ] || bad "an event of 9999 moved as_of to $(jq -r .as_of report.json)"

# Nor do events of tickets that nobody created. Those of a ticket that was do, whenever and by whichever run it was.
orphan() { status "$1" "$2" RADICATED CLASSIFIED | sed "s/$t/$u/"; printf '\n'; }
told() { # LAKE FILE: its as_of
  "$pqr" run --input "$2" --lake "$1" --json >report.json 2>/dev/null || bad "$2 in $1"
  jq -r .as_of report.json
}
{
  orphan 31 2026-03-09T08:00:00-05:00
  status 32 2026-03-05T22:00:00-05:00 RECEIVED RADICATED; printf '\n'
  created 33 2026-03-02T09:00:00-05:00; printf '\n'
  orphan 34 2026-03-04T08:00:00-05:00
} >orphans.jsonl
orphan 35 2026-03-20T08:00:00-05:00 >orphan.jsonl
{ status 36 2026-03-11T08:00:00-05:00 RADICATED CLASSIFIED; printf '\n'; orphan 37 2026-03-21T08:00:00-05:00; } >later.jsonl
same "$(told orphans orphans.jsonl)" 2026-03-06T04:59:59.999999Z "as_of before an orphan"
same "$(jq -c '[.rows.bronze, .reasons.quarantine]' report.json)" '[4,{"orphan":1}]' "the orphan of a day to come waits, the other is one"
same "$(told orphans orphan.jsonl)" 2026-03-06T04:59:59.999999Z "as_of of an orphan alone"
same "$(told orphans later.jsonl)" 2026-03-12T04:59:59.999999Z "as_of by a ticket of the run before, not by an orphan"
same "$(jq -c '.reasons.quarantine' report.json)" '{"orphan":1}' "orphans by then: that of the 9th"
created 38 2026-03-03T08:00:00-05:00 | sed "s/$t/$u/" >creation.jsonl
same "$(told orphans creation.jsonl)" 2026-03-22T04:59:59.999999Z "as_of once the ticket was created: what waited is told"
same "$(told alone orphan.jsonl)" 2026-03-21T04:59:59.999999Z "as_of where no ticket is known"
{ created 39 2026-03-02T09:00:00-05:00; printf '\n'; } >begun.jsonl
"$pqr" run --input begun.jsonl --lake noon --as-of 2026-03-05T12:00:00-05:00 --quiet || bad "a picture of noon"
same "$(told noon orphan.jsonl)" 2026-03-05T17:00:00.000000Z "as_of of noon after an orphan alone"

# What is not quite the contract is read and counted.
{
  created 20 2026-03-02T09:00:00-05:00; printf '\n'
  printf '\xef\xbb\xbf'; status 21 2026-03-02T09:10:00-05:00 RECEIVED RADICATED; printf '\n'
  status 22 2026-03-02T09:20:00-0500 RADICATED CLASSIFIED; printf '\n'
  status 23 2026-03-02T09:30:00.5-05 CLASSIFIED ASSIGNED; printf '\n'
  status 24 '2026-03-02 09:40:00' ASSIGNED IN_PROGRESS; printf '\n'
  printf '\xef\xbb\xbf\n'
  created 25 2026-03-02T09:00:00-05:00 | sed "s/$t/$u/; s/\"x-1\"/20260001/; s/email/E-Mail/"; printf '\n'
  created 26 2026-03-02T09:00:00-05:00 | sed "s/$t/33333333-1111-4111-8111-111111111111/; s/\"x-1\"/20260001,\"dane_city_code\":5001/; s/email/Email/; s/alta/ÁLTA/; s/\"P\"/\"p\"/"; printf '\n'
  created 27 2026-03-02T09:00:00-05:00 | sed "s/$t/44444444-1111-4111-8111-111111111111/; s/\"x-1\"/2.026e7,\"dane_city_code\":8001.0,\"geo_region\":\"\"/"; printf '\n'
  created 28 2026-03-02T09:00:00-05:00 | sed "s/$t/55555555-1111-4111-8111-111111111111/; s/\"x-1\"/\"x-5\",\"dane_city_code\":\"\",\"geo_region\":\"\",\"geo_municipio\":\"\"/"; printf '\n'
  created 29 2026-03-02T09:00:00-05:00 | sed "s/$t/66666666-1111-4111-8111-111111111111/; s/\"x-1\"/1.5/"; printf '\n'
} >nearly.jsonl
"$pqr" run --input nearly.jsonl --lake nearly --as-of 2026-03-31 --json >report.json 2>/dev/null || bad "nearly the contract"
same "$(jq -c '[.rows.bronze, .rows.rejected, .rows.silver.status_events, .rows.silver.quarantine // 0]' report.json)" '[8,2,4,0]' "rows read with tolerance"
grep -q '"reason":"bad_enum:source_channel"' "$(find nearly/rejects -name rejects.jsonl)" || bad "E-Mail is no spelling of email"
same "$(jq -c '[.counters | to_entries[] | select(.key | startswith("tolerated:")) | [.key, .value]]' nearly/manifests/day=*/run_id=*/stages/bronze.json)" \
  '[["tolerated:bom",1],["tolerated:no_zone",1],["tolerated:number",2],["tolerated:offset",2],["tolerated:word",1]]' "what was tolerated"
"$pqr" table cat --lake nearly silver.tickets >tickets.csv
grep -q '^33333333-[^,]*,20260001,email,P,alta,.*,Antioquia,Medellín,05001,' tickets.csv || bad "a ticket read with tolerance: $(tail -n 1 tickets.csv)"
grep -q '^44444444-[^,]*,20260000,email,.*,Atlántico,Barranquilla,08001,' tickets.csv || bad "numbers that are whole: $(tail -n 2 tickets.csv)"
same "$("$pqr" table cat --lake nearly gold.kpi_volume_geo_daily | cut -d, -f4-6 | LC_ALL=C sort | paste -sd ' ')" \
  'Antioquia,Antioquia,05001 Atlántico,Atlántico,08001 region_name,department_name,dane_city_code unknown,unknown,00000' "places, and empty ones"
grep -q '^11111111-.*,IN_PROGRESS,' tickets.csv || bad "times read with tolerance"

# Long lines, up to ingest.line_bytes_max, and halves of UTF-16 pairs.
{
  created 40 2026-03-02T09:00:00-05:00; printf '\n'
  printf '{"event_id":"%s","ticket_id":"%s","event_type":"MESSAGE_ADDED","ts":"2026-03-02T10:00:00-05:00","data":{"role":"citizen","text":"' "$(id 41)" "$t"
  head -c 16000000 /dev/zero | tr '\0' 'a'
  printf '\\ud83d"}}\n'
  status 42 2026-03-02T11:00:00-05:00 RECEIVED RADICATED; printf '\n'
} >long.jsonl
"$pqr" run --input long.jsonl --lake long --json >report.json 2>/dev/null || bad "a long line"
same "$(jq -c '[.rows.raw, .rows.bronze, .rows.rejected, .rows.silver.messages]' report.json)" '[3,3,0,1]' "a long line"
same "$(jq -c '.counters | with_entries(select(.key | startswith("tolerated:")))' long/manifests/day=*/run_id=*/stages/bronze.json)" '{"tolerated:surrogate":1}' "a cut text"
"$pqr" table cat --lake long silver.messages --format json | jq -j '.[0].text' >text
same "$(tail -c 8 text) $(wc -c <text)" "$(printf 'aaaaa\xef\xbf\xbd') 16000003" "a long text"
PQR_INGEST_LINE_BYTES_MAX=2000 "$pqr" run --input long.jsonl --lake short --json >report.json 2>/dev/null || bad "a shorter limit"
same "$(jq -c '[.rows.bronze, .rows.rejected, .reasons.rejects]' report.json)" '[2,1,{"too_long":1}]' "a shorter limit"

# The same events exported again, with another run_id and schema_version and members of the export's own, are repeats.
{ created 30 2026-03-02T09:00:00-05:00 | sed 's/"x-1"/"x-1", "preclassifier": {"by" : ["a  \\" b", 1.5 ]}/'; printf '\n'; status 31 2026-03-02T10:00:00-05:00 RECEIVED RADICATED; printf '\n'; } >first.jsonl
jq -c '. + {run_id: "export-2", schema_version: "v1.0", exported_by: {"at": 1}} | .data.more = true' first.jsonl >second.jsonl
cat first.jsonl second.jsonl >both.jsonl
"$pqr" run --input both.jsonl --lake both --json >report.json 2>/dev/null || bad "both exports in one file"
same "$(jq -c '[.rows.bronze, .rows.duplicates, .rows.rejected]' report.json)" '[2,2,0]' "both exports in one file"
"$pqr" run --input first.jsonl --lake again >/dev/null 2>&1 || bad "first export"
"$pqr" run --input second.jsonl --lake again --json >report.json 2>/dev/null || bad "second export"
same "$(jq -c '[.rows.silver.tickets, .rows.silver.status_events, .rows.silver.quarantine // 0]' report.json)" '[1,1,0]' "an export after another"

# Compressed, in one member or many, under any name, and as a stream of any kind: the same run with the same bytes.
same_run() { # what, command
  local what=$1
  shift
  "$@" --json >report.json 2>err || bad "$what: $(cat err)"
  same "$(jq -c '[.run_id, .root, .rows.raw]' report.json)" "$want" "$what"
  rm -rf packed
}
"$pqr" run --input events.jsonl --lake packed --json 2>/dev/null >report.json || bad "events.jsonl"
want=$(jq -c '[.run_id, .root, .rows.raw]' report.json)
rm -rf packed
gzip -c events.jsonl >plain.jsonl
zstd -qc events.jsonl >e.jsonl.zst
{ head -n 4 events.jsonl | gzip -c; tail -n +5 events.jsonl | gzip -1c; } >members.gz
{ head -n 4 events.jsonl | zstd -qc; tail -n +5 events.jsonl | zstd -19qc; } >frames
for file in plain.jsonl e.jsonl.zst members.gz frames; do same_run "$file" "$pqr" run --input "$file" --lake packed; done
same_run - "$pqr" run --input - --lake packed <events.jsonl
cat events.jsonl | same_run 'a pipe' "$pqr" run --input - --lake packed
cat members.gz | same_run /dev/stdin "$pqr" run --input /dev/stdin --lake packed
same_run 'a process' "$pqr" run --input <(zcat members.gz) --lake packed
mkfifo fifo
cat events.jsonl >fifo &
same_run 'a fifo' "$pqr" run --input fifo --lake packed
wait
mkdir spool
TMPDIR=$PWD/spool same_run 'TMPDIR' "$pqr" run --input - --lake packed <events.jsonl
same "$(ls -A spool)" '' "left of a spool"
# As pqr ingest, and the stages after it; by its id alone only as far as raw is in.
"$pqr" ingest - --lake packed --quiet <events.jsonl 2>/dev/null || bad "ingest of a stream"
"$pqr" run --input - --lake packed --json <events.jsonl >report.json 2>/dev/null || bad "a stream given again"
same "$(jq -c '[.run_id, .root, .rows.raw]' report.json)" "$want" "a run that was begun by ingest"
rm -rf packed

# A folder: what is taken, in order of the names, and what is not, is said.
mkdir -p folder/sub
cp events.jsonl folder/B.JSONL
cp members.gz folder/a.NDJSON.GZ
cp e.jsonl.zst folder/c.jsonl.zst
cp events.jsonl folder/.hidden.jsonl
touch folder/README.txt folder/jsonl folder/x.csv.gz
"$pqr" run --input folder --lake folder-lake --json >report.json 2>err || bad "a folder: $(cat err)"
same "$(jq -c '[.rows.raw, .rows.bronze]' report.json)" '[42,4]' "rows of a folder"
same "$(grep -c 'left out of the folder' err)" 1 "what a folder's line says"
for name in sub README.txt jsonl x.csv.gz .hidden.jsonl 'n=5'; do grep -q "left out of the folder.*$name" err || bad "$name is not said to be left out: $(cat err)"; done

# One file of a folder without an event is said, the others count.
mkdir few && cp first.jsonl few/a.jsonl && echo rubbish >few/b.jsonl
"$pqr" run --input few --lake few-lake --json >report.json 2>err || bad "a file of rubbish beside a good one: $(cat err)"
same "$(jq -c '[.status, .rows.bronze, .rows.rejected]' report.json)" '["DEGRADED",2,1]' "a file of rubbish beside a good one"
grep -q 'inputs without an event n=1 first=.*b.jsonl why=line 1: not_json; its only line is rejected' err || bad "a file without an event is not told: $(cat err)"

# The program of docs/events.md makes events of a table.
sed -n '/^```python/,/^```$/p' "$root/docs/events.md" | grep -v '^```' >events.py
printf 'radicado;fecha;tipo;canal;asunto\n20260001;02/03/2026 09:00;Petición;Correo;"Vías; puentes"\n20260002;03/03/2026 10:30;Queja;Ventanilla;\n' >table.csv
python3 events.py table.csv | "$pqr" run --input - --lake table --json >report.json 2>err || bad "events of a table: $(cat err)"
same "$("$pqr" table cat --lake table silver.tickets --columns external_id,source_channel,pqrs_type,created_at | tail -n +2 | tr -d '\r' | sort)" \
  "$(printf '20260001,email,P,2026-03-02T14:00:00.000000Z\n20260002,other_digital,Q,2026-03-03T15:30:00.000000Z')" "tickets of a table"

# The simulator's own events, taken as foreign input: as one file, and cut into pieces at any line: the same rows. What is ingested is
# judged by the law, what is simulated by the simulation's terms: here by these.
export PQR_SLA_BUSINESS_DAYS_P=15 PQR_SLA_BUSINESS_DAYS_Q=10 PQR_SLA_BUSINESS_DAYS_R=8 PQR_SLA_BUSINESS_DAYS_S=20
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake sim
find sim/raw -name events.jsonl | LC_ALL=C sort | xargs cat >all.jsonl
split -n l/7 all.jsonl piece.
mkdir pieces && for p in piece.*; do mv "$p" "pieces/$p.jsonl"; done
"$pqr" run --input all.jsonl --lake whole --as-of 2026-02-14 --json >whole.json 2>/dev/null || bad "whole"
"$pqr" run --input pieces --lake parts --as-of 2026-02-14 --json >parts.json 2>/dev/null || bad "parts"
same "$(jq -c '[.rows.raw,.rows.bronze,.rows.rejected,.rows.silver,.rows.gold]' parts.json)" "$(jq -c '[.rows.raw,.rows.bronze,.rows.rejected,.rows.silver,.rows.gold]' whole.json)" "rows of split input"
kpis() { sqlite3 "$1/control.db" "SELECT day, channel, pqrs_type, tickets_count FROM gold_kpi_volume_daily ORDER BY 1,2,3; SELECT day, pqrs_type, region, backlog_count FROM gold_kpi_backlog_daily ORDER BY 1,2,3; SELECT day, pqrs_type, closed_count, within_sla_pct, overdue_count, avg_overdue_days FROM gold_kpi_sla_daily ORDER BY 1,2" | sha256sum; }
same "$(kpis whole)" "$(kpis sim)" "KPIs of ingested against simulated"
same "$(kpis parts)" "$(kpis sim)" "KPIs of split input against simulated"
unset PQR_SLA_BUSINESS_DAYS_P PQR_SLA_BUSINESS_DAYS_Q PQR_SLA_BUSINESS_DAYS_R PQR_SLA_BUSINESS_DAYS_S
done_testing
