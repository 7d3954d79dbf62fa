#!/usr/bin/env bash
# What a run kept out, and why: counts in its report, each line with pqr rejects.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# lines of a day: valid ones, two that are no events, one that is no UTF-8, one that is long, and events of tickets that nobody created
"$pqr" generate "${small[@]}" --lake sim --quiet
cat "$(find sim/raw -path '*source=email/day=2026-01-05*' -name events.jsonl)" >whole.jsonl
grep -v TICKET_CREATED whole.jsonl | head -n 20 >events.jsonl
grep TICKET_CREATED whole.jsonl | head -n 200 >>events.jsonl
{
  printf 'caf\xe9 \x1b[31mred\n'
  echo 'so "not" JSON'
  echo '{"event_id":1}'
  python3 -c 'print("{\"x\":\"" + "é\\\"" * (9 << 20) + "\"}")'
  cat events.jsonl
} >input.jsonl
expect 0 'DEGRADED' "$pqr" run --input input.jsonl
report=$("$pqr" run --input input.jsonl)
object=raw/pqrs/source=mixed/day=unknown/run_id=$("$pqr" runs --json | jq -r '.[0].run_id')/events.jsonl
run=${object#*run_id=} run=${run%%-*}
grep -qF "  rejects: 1 bad_type:event_id, 1 invalid_utf8, 1 not_json, 1 too_long; in rejects/pqrs/*/*/run_id=$run*/rejects.jsonl" <<<"$report" || bad "report: no rejects by reason: $report"
orphans=$(sqlite3 lake/control.db "SELECT record_count FROM meta_quality_checks WHERE check_name = 'orphans'")
[ "$orphans" -gt 2 ] || bad "the input has $orphans orphans"
grep -qE "^  quarantine: .*$orphans orphan.*; in silver.quarantine\$" <<<"$report" || bad "report: no quarantine by reason: $report"
grep -qF "\`pqr rejects --run $run\` shows each" <<<"$report" || bad "report: no way to the rows"
# shellcheck disable=SC2086 # the pattern is the shell's
same "$(cd lake && cat rejects/pqrs/*/*/run_id=$run*/rejects.jsonl | wc -l)" 4 "lines of the files that the report names"
expect 0 'WARN +silver.quarantine +orphans' "$pqr" quality
"$pqr" run --input input.jsonl --json 2>/dev/null | jq -c .reasons.rejects >counts
same "$(cat counts)" '{"bad_type:event_id":1,"invalid_utf8":1,"not_json":1,"too_long":1}' "reasons of run --json"

# each row: what the object holds at its offset is the text, and that line is it
"$pqr" rejects --json >rows.json
same "$(jq 'map(select(.kind == "rejects")) | length' rows.json)" 4 "rejected lines"
same "$(jq 'map(select(.kind == "quarantine" and .reason == "orphan")) | length' rows.json)" "$orphans" "orphans"
python3 - <<'END' || bad "a row's place is not its text"
import base64, json
rows = json.load(open("rows.json"))
for row in rows:
    data = open("lake/" + row["object"], "rb").read()
    line = data[row["offset"]:].split(b"\n", 1)[0]
    raw = row["raw"].encode() if row["raw"] is not None else base64.b64decode(row["raw_base64"])
    assert data[:row["offset"]].count(b"\n") == row["line"] - 1, row
    assert line == raw if not row["cut"] else line.startswith(raw) and len(raw) > 2000, row
assert [r["cut"] for r in rows if r["reason"] == "too_long"] == [True]
END

# a reason; CSV; text that cannot colour a terminal; objects above their lines
same "$("$pqr" rejects --reason bad_type --format csv | sed 's/,[^,]*run_id=[^,]*,/,,/' | tr -d '\r')" \
  'kind,reason,object,line,offset,raw,raw_base64,cut
rejects,bad_type:event_id,,3,'"$(head -n 2 input.jsonl | wc -c)"',"{""event_id"":1}",,false' "CSV"
same "$("$pqr" rejects --reason bad --json)" '[]' "part of a word"
expect 0 'nothing for the reason nonsense.*' "$pqr" rejects --reason nonsense
expect 0 'so "not" JSON' "$pqr" rejects --reason not_json
"$pqr" rejects >table
grep -qF 'caf\xe9 \x1b[31mred' table || bad "table: $(sed -n 3p table)"
grep -q $'\x1b' table && bad "a raw text reached the terminal as it is"
same "$(head -n 1 table)" "$object: rejects" "heading"
same "$("$pqr" rejects --limit 2 | tail -n 3 | head -n 1)" "... the first 2 of $((orphans + 4)); --limit 0 shows all" "limit"
expect 2 'expected table, csv or json' "$pqr" rejects --format xml
expect 2 '--limit: expected a number' "$pqr" rejects --limit many

# nothing kept out; a run that is none; no control plane; a raw object that is gone
expect 0 'rejected no line and put no event into quarantine' "$pqr" rejects --lake sim
expect 1 'has committed nothing' "$pqr" rejects --run 00000000-0000-4000-8000-000000000000
id=${object#*run_id=} id=${id%%/*}
mv lake/control.db elsewhere
"$pqr" rejects --run-id "$id" --json | cmp -s - rows.json || bad "rows without a control plane"
mv elsewhere lake/control.db
rm lake/raw/pqrs/source=mixed/day=2026-01-05/run_id="$id"/events.jsonl
same "$("$pqr" rejects --reason orphan --json | jq -c 'map([.offset, .raw]) | unique')" '[[null,null]]' "rows whose object is gone"

# all lines rejected: the run stops, and still tells why
printf '{"a":1}\n{"b":2}\n' >other.jsonl
"$pqr" run --input other.jsonl --lake refused >report 2>/dev/null
grep -qE 'rejects: 2 missing:event_id; in rejects/pqrs/' report || bad "a run that was stopped: $(cat report)"
same "$("$pqr" rejects --lake refused --json | jq -r '.[].raw' | paste -sd' ')" '{"a":1} {"b":2}' "rejects of a run that was stopped"
done_testing
