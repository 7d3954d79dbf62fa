#!/usr/bin/env bash
# Bronze that a stream appended, taken a date at a time, again when late events came: one picture, that of the same events from files.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
take=("$pqr" run clickstream --from-stream --lake lake --no-progress)
query() { python3 -c 'import sqlite3, sys; print(*[r for r in sqlite3.connect(sys.argv[1] + "/control.db").execute(sys.argv[2])])' "$1" "$2"; }
figures() {
  query "$1" "SELECT event_date, dau_count, total_purchases, conversion_rate FROM gold_conversion_rate_daily ORDER BY 1"
  query "$1" "SELECT event_date, source, event_count FROM gold_events_per_source_daily ORDER BY 1, 2"
  query "$1" "SELECT event_date, page, purchase_count FROM gold_purchases_per_page_daily ORDER BY 1, 2"
}
runs() { "$pqr" runs clickstream --lake lake --json | jq "$1"; }
land() { "$pqr" stream land --source - --source-id "$1" --lake lake >land.log 2>&1 <"$2" || bad "land $2: $(tail -n 1 land.log)"; }
event() { printf '{"event_id":"%08d-0000-4000-8000-000000000000","user_id":%s,"event_type":"%s","page":"/p","timestamp":"%s","source":"mobile"}\n' "$@"; }

# ---- what is refused -----------------------------------------------------------------------------------------------------------
expect 1 'no lake at' "${take[@]}"
# three days, out of order: users, types, pages and repeats by number
python3 - >first.jsonl <<'END'
import datetime, uuid
start = datetime.datetime(2025, 12, 30)
types = ["click", "click", "login", "purchase", "click", "logout"]
for k in range(6000):
    n = k * 7919 % 5900  # the last hundred are told twice
    at = start + datetime.timedelta(seconds=n * 43)
    print('{"event_id":"%s","user_id":%d,"event_type":"%s","page":"/p/%d","timestamp":"%s","source":"%s"}' % (
        uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128), n * n % 97 + 1, types[n % 6], n % 11, at.isoformat() + "Z", "web" if n % 3 else "mobile"))
END
land first first.jsonl
expect 1 'no stream has appended anything of these days' "${take[@]}" --from 2025-11-01 --to 2025-11-02
expect 2 'of workload pqrs' "$pqr" run pqrs --from-stream --lake lake
expect 2 'one of them' "${take[@]}" --input first.jsonl
expect 2 '.--seed is the simulator|--seed is the simulator' "${take[@]}" --seed 7
expect 2 'expected a date' "${take[@]}" --from yesterday
expect 2 'takes no --run-id' "${take[@]}" --run-id 0a1b2c3d-0000-4000-8000-000000000000
# events of a day may be of no lake's run yet: pqrs beside it is none of their business
expect 0 '' "$pqr" run --lake lake --from 2025-12-01 --to 2025-12-02 --volume 10 --no-progress

# ---- a date at a time ----------------------------------------------------------------------------------------------------------
expect 0 'bronze rows that a stream appended' "${take[@]}" --to 2025-12-30
same "$(runs 'length')" 1 'runs after the first date'
expect 0 '' "${take[@]}"
same "$(runs '[.[].date_min] | sort | unique | length')" 3 'a run a date'
expect 0 'nothing to do' "${take[@]}"
same "$(runs 'length')" 3 'runs after nothing came'
# the same events from files
expect 0 SUCCESS "$pqr" run clickstream --lake files --input first.jsonl --no-progress
same "$(figures lake)" "$(figures files)" 'figures of the stream and of files'

# a stage of all dates, then the next, and what comes between them: no date stays without figures
"$pqr" stream land --source - --source-id half --lake steps >land.log 2>&1 < <(head -n 3000 first.jsonl) || bad "land: $(tail -n 1 land.log)"
expect 0 '' "$pqr" run clickstream --from-stream --lake steps --no-progress --until bronze_to_silver
"$pqr" stream land --source - --source-id rest --lake steps >land.log 2>&1 < <(tail -n +3001 first.jsonl) || bad "land: $(tail -n 1 land.log)"
for step in silver_to_gold_dau silver_to_gold_conversion silver_to_gold_events_source silver_to_gold_purchases_page gold_to_postgres; do
  expect 0 '' "$pqr" run clickstream --from-stream --lake steps --no-progress --until "$step"
done
same "$(figures steps)" "$(figures files)" 'figures stage by stage'

# ---- late events: of a day that was told, some of them again --------------------------------------------------------------------
{ event 1 7 purchase 2025-12-30T05:00:00Z; head -n 1 first.jsonl; event 2 8 login 2026-01-04T05:00:00Z; } >late.jsonl
land second late.jsonl
expect 0 '' "${take[@]}"
same "$(runs 'length')" 5 'runs after late events: two dates have some'
expect 0 SUCCESS "$pqr" run clickstream --lake files --input late.jsonl --no-progress
same "$(figures lake)" "$(figures files)" 'figures after late events'
same "$("$pqr" table schema silver.user_events --lake lake | grep -c kafka)" 2 'silver says where events came from'
for run in $(runs '.[].run_id' | tr -d '"'); do expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$run"; done

# files beside the stream: one history
told=$(figures lake)
event 3 9 click 2026-01-04T06:00:00Z >more.jsonl
expect 0 'continues 5 runs' "$pqr" run clickstream --lake lake --input more.jsonl --no-progress
expect 0 SUCCESS "$pqr" run clickstream --lake files --input more.jsonl --no-progress
same "$(figures lake)" "$(figures files)" 'figures after files'
# and taken out of it again: what the others took from the stream is folded again from where it stands
more=$(runs '.[0].run_id' | tr -d '"')
expect 0 SUCCESS "$pqr" runs drop "$more" --lake lake --no-progress
same "$(figures lake)" "$told" 'figures after a drop beside streamed runs'
expect 0 SUCCESS "$pqr" runs drop "$("$pqr" runs clickstream --lake files --json | jq -r '.[0].run_id')" --lake files --no-progress

# ---- made again: what the stream appended is in no raw object, and stays as it stands ---------------------------------------------
# and what it refused in a table of its own
echo '{"n": 1}' >refused.jsonl
land refused refused.jsonl
refused() { (cd lake && find rejects/user_events -type f -exec sha256sum {} + | sort -k 2); }
[ "$(refused | wc -l)" -ge 2 ] || bad "no table of the stream's rejects: $(refused)"
picture() { "$pqr" sql --lake lake --format csv 'SELECT * FROM silver.user_events ORDER BY event_id'; }
bronze() { (cd lake/bronze/user_events && find . -name '*.parquet' | sort && ls _delta_log); }
before=$(figures lake) rows=$(picture) events=$(bronze) rejects=$(refused)
n=$(runs length)
expect 0 '' "$pqr" rebuild --lake lake --no-progress
same "$(figures lake)" "$before" 'figures after a rebuild'
same "$(picture)" "$rows" 'silver after a rebuild'
same "$(bronze)" "$events" 'bronze after a rebuild'
same "$(refused)" "$rejects" "the stream's rejects after a rebuild"
same "$(runs length)" "$n" 'runs after a rebuild'
for run in $(runs '.[].run_id' | tr -d '"'); do expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$run"; done
expect 0 'nothing to do' "${take[@]}"
event 4 7 purchase 2026-01-04T07:00:00Z >after.jsonl
land third after.jsonl
expect 0 '' "${take[@]}"
expect 0 SUCCESS "$pqr" run clickstream --lake files --input after.jsonl --no-progress
same "$(figures lake)" "$(figures files)" 'figures after a rebuild and what came then'

# compaction changes nothing, and the files that it took away are no difference
expect 0 '' "$pqr" table optimize bronze.user_events --lake lake
expect 0 '' "${take[@]}"
same "$(figures lake)" "$(figures files)" 'figures after compaction'
expect 0 '' "$pqr" table vacuum bronze.user_events --lake lake --retention 0h --no-retention-check
for run in $(runs '.[].run_id' | tr -d '"'); do expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$run"; done

# ---- killed at any file, gone on with --------------------------------------------------------------------------------------------
RANDOM=${PQR_TEST_SEED:-4711}
mkdir wild
"$pqr" stream land --source - --source-id first --lake wild >land.log 2>&1 <first.jsonl || bad "land: $(tail -n 1 land.log)"
kills=0
ended_or_made() { ended "$1" || has_files wild "$2"; }
for _ in 1 2 3 4 5 6 7 8; do
  "$pqr" run clickstream --from-stream --lake wild --quiet >/dev/null 2>&1 </dev/null &
  pid=$!
  within 120 ended_or_made "$pid" $(($(files_in wild) + 1 + RANDOM % 12)) || bad "the run neither ends nor goes on"
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [ $? -eq 137 ] || break
  kills=$((kills + 1))
done
expect 0 '' "$pqr" run clickstream --from-stream --lake wild --no-progress
[ "$kills" -ge 3 ] || bad "only $kills kills hit"
rm -rf files && expect 0 SUCCESS "$pqr" run clickstream --lake files --input first.jsonl --no-progress
same "$(figures wild)" "$(figures files)" "figures after $kills kills"

# ---- what can't be made again ----------------------------------------------------------------------------------------------------
# the stream's files were compacted and removed above
expect 4 'removed after it was written; restore it from a copy' "$pqr" rebuild --lake lake
event 5 9 click 2026-01-05T06:00:00Z >bad.jsonl
expect 0 SUCCESS "$pqr" run clickstream --lake lake --input bad.jsonl --no-progress
bad_run=$(runs '.[0].run_id' | tr -d '"')
expect 1 "compacted and removed since: the history can't be made again" "$pqr" runs drop "$bad_run" --lake lake
same "$(find lake -name dropped.json | wc -l)" 1 'marks after a drop that was refused'
expect 0 SUCCESS "$pqr" run clickstream --lake lake --input more.jsonl --run-id 0a1b2c3d-0000-4000-8000-000000000000 --no-progress
done_testing
