#!/usr/bin/env bash
# pqr table: what runs leave in the Delta tables, time travel, compaction and clean-up, and mistakes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
january=(--from 2026-01-01 --to 2026-01-31 --volume 40 --lake lake)
february=(--from 2026-02-01 --to 2026-02-28 --volume 40 --lake lake)
table() { "$pqr" table "$@" --lake lake; }
rows_of() { table cat "$@" --format csv | tail -n +2 | LC_ALL=C sort | sha256sum; }

expect 0 'no table yet' "$pqr" table list --lake "$(mkdir -p empty && echo empty)"
expect 1 'no lake at' "$pqr" table list --lake nowhere
expect 0 "SUCCESS|DEGRADED" "$pqr" run "${january[@]}"
first=$("$pqr" runs list --lake lake --json | jq -r '.[0].run_id')
between=$(table history silver.tickets --json | jq -r '.[0].time') # a later commit has a later time, whatever the clock says
expect 0 "SUCCESS|DEGRADED" "$pqr" run "${february[@]}" --replace-published

# every table of the contract is a Delta table with a log, also those without a row
same "$(table list --json | jq length)" "$("$pqr" contract --format json-schema | jq 'del(.["bronze.pqrs_arrived"]) | [.[] | select(has("x-key"))] | length')" "tables" # but a stream's
same "$(table list --json | jq -r '[.[].version] | unique | map(tostring) | join(" ")')" "0 1" "versions"
same "$(table list --json | jq -r '.[] | select(.table == "silver.dim_status") | "\(.version) \(.rows)"')" "0 10" "a dimension that did not change"

# a table with a broken log is named, and hides no other one
cp -r lake broken && printf '{"add":' > broken/silver/dim_status/_delta_log/00000000000000000001.json
expect 1 'dim_status/_delta_log/00000000000000000001.json' "$pqr" table list --lake broken
same "$("$pqr" table list --lake broken --json 2>/dev/null | jq length)" "$(($(table list --json | jq length) - 1))" "tables beside a broken one"

# history, versions and times: version 0 is the first run alone
same "$(table history silver.tickets --json | jq -r '[.[] | "\(.version) \(.stage)"] | join(", ")')" "1 silver, 0 silver" "history"
same "$(table history silver.tickets --json | jq -r '.[1].run_id')" "$first" "the run that wrote version 0"
same "$(table cat silver.tickets --version 0 --columns run_id --format csv | sort -u | tr '\r\n' '  ')" "$(printf '%s\r\nrun_id\r\n' "$first" | tr '\r\n' '  ')" "runs of version 0"
same "$(rows_of silver.tickets --at "$between")" "$(rows_of silver.tickets --version 0)" "--at between the runs"
same "$(rows_of silver.tickets --at 2999-01-01)" "$(rows_of silver.tickets)" "--at in the future is the newest"
expect 1 "did not exist" "$pqr" table cat silver.tickets --at 2001-01-01 --lake lake
expect 1 'version 7' "$pqr" table cat silver.tickets --version 7 --lake lake
all=$(table cat silver.tickets --format csv | tail -n +2 | wc -l)
same "$all" "$(table list --json | jq '.[] | select(.table == "silver.tickets") | .rows')" "rows of cat and list"
same "$(table cat silver.tickets --json | jq length)" "$all" "rows as JSON"
same "$(table cat silver.tickets --limit 7 --json | jq length)" 7 "--limit"

# conditions: rows, and the files that need not be opened
late=$(table cat silver.tickets --columns sla_status,month --json | jq '[.[] | select(.sla_status == "LATE" and .month == "2026-01")] | length')
[ "$late" -gt 0 ] || bad "no late ticket to look for"
same "$(table cat silver.tickets --where "sla_status = LATE" --where "month = 2026-01" --json | jq length)" "$late" "--where"
same "$(table files silver.tickets --where "month = 2026-01" --json | jq -r '[.[].path | select(startswith("month=2026-01") | not)] | length')" 0 "files of a month"
same "$(table cat silver.tickets --where "closed_at is null" --json | jq length)" "$(table cat silver.tickets --json | jq '[.[] | select(.closed_at == null)] | length')" "is null"

# a run that is finished commits nothing; one called again without its commit neither
expect 0 'nothing' "$pqr" run "${january[@]}"

# a lost database is made again from the files that the tables' logs name: those of the run are gone
volume() { sqlite3 lake/control.db 'SELECT * FROM gold_kpi_volume_daily ORDER BY 1, 2, 3'; }
expect 0 SUCCESS "$pqr" publish --lake lake --run-id "$first"
published=$(volume)
rm lake/control.db*
expect 0 SUCCESS "$pqr" run "${january[@]}"
same "$(volume)" "$published" "published rows after compaction, vacuum and a lost database"
rm lake/manifests/day=2026-01-31/run_id="$first"/stages/{silver,gold}.json
expect 0 "SUCCESS|DEGRADED" "$pqr" run "${january[@]}"
same "$(table history silver.tickets --json | jq length)" 2 "versions after running again"

# compaction: the same rows at a new version, the old version still there, verify content before and after vacuum
before=$(rows_of bronze.pqrs_events)
files=$(table files bronze.pqrs_events --json | jq length)
expect 0 'nothing to do' "$pqr" table optimize silver.dim_status --lake lake
expect 0 'files into' "$pqr" table optimize gold.kpi_volume_daily --lake lake --zorder day,channel
expect 0 '' "$pqr" table optimize bronze.pqrs_events --lake lake --json
same "$("$pqr" table optimize gold.kpi_sla_daily --lake lake 2>&1 >/dev/null)" "" "progress where no terminal is"
same "$(rows_of bronze.pqrs_events)" "$before" "rows after optimize"
same "$(rows_of bronze.pqrs_events --version 1)" "$before" "rows of the version before"
same "$(table files bronze.pqrs_events --version 1 --json | jq length)" "$files" "files of the version before"
expect 0 'would delete 0 files' "$pqr" table vacuum gold.kpi_volume_daily --lake lake --dry-run
expect 2 'no-retention-check allows it' "$pqr" table vacuum gold.kpi_volume_daily --lake lake --retention 0s
expect 0 'part-.*without --dry-run' bash -c "'$pqr' table vacuum gold.kpi_volume_daily --lake lake --retention 0s --no-retention-check --dry-run | tr '\n' ' '"
daily=$(rows_of gold.kpi_volume_daily)
expect 0 'deleted [1-9]' "$pqr" table vacuum gold.kpi_volume_daily --lake lake --retention 0s --no-retention-check
same "$(rows_of gold.kpi_volume_daily)" "$daily" "rows after vacuum"
expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$first"
expect 0 'tables. logs have replaced' "$pqr" verify --lake lake --run-id "$first"
expect 0 'nothing' "$pqr" run "${january[@]}"
expect 0 'checkpoint of version' "$pqr" table checkpoint gold.kpi_volume_daily --lake lake
rm lake/gold/kpi_volume_daily/_delta_log/0000*.json
same "$(rows_of gold.kpi_volume_daily)" "$daily" "rows out of the checkpoint alone"

# every table: one line each, and one that fails keeps no other from its turn
tables=$(table list --json | jq length)
mkdir -p none && same "$(cd none && "$pqr" table optimize --all --lake "$work/empty")" 'no table yet: `pqr run` makes them' "--all of an empty lake"
same "$(table optimize --all | wc -l)" "$tables" "lines of optimize --all"
same "$(table checkpoint --all --json | jq 'map(select(has("table") and has("version"))) | length')" "$tables" "checkpoint --all --json"
same "$(table vacuum --all --dry-run | grep -c '^would delete 0 files')" "$tables" "vacuum --all within lake.retention_days"
expect 2 'lake.retention_days is 0.*--yes' env PQR_LAKE_RETENTION_DAYS=0 "$pqr" table vacuum --all --lake lake
expect 2 'under the table.s 168 h' env PQR_LAKE_RETENTION_DAYS=0 "$pqr" table vacuum gold.kpi_sla_daily --retention 0s --lake lake
expect 0 'would delete' env PQR_LAKE_RETENTION_DAYS=0 "$pqr" table vacuum --all --dry-run --lake lake
expect 2 'lake.retention_days' env PQR_LAKE_RETENTION_DAYS=-1 "$pqr" table vacuum --all --lake lake
expect 2 'no-retention-check allows it' env PQR_LAKE_RETENTION_DAYS=30 "$pqr" table vacuum gold.kpi_sla_daily --retention 7d --lake lake
expect 0 'files into' table optimize gold.kpi_backlog_daily --zorder day
kept=$(rows_of gold.kpi_backlog_daily)
expect 0 'deleted [1-9].* of gold/kpi_backlog_daily' env PQR_LAKE_RETENTION_DAYS=0 "$pqr" table vacuum --all --yes --lake lake
same "$(rows_of gold.kpi_backlog_daily)" "$kept" "rows after vacuum --all"
same "$(table files gold.kpi_backlog_daily --json | jq length)" "$(find lake/gold/kpi_backlog_daily -name '*.parquet' -not -path '*/_delta_log/*' | wc -l)" "files after vacuum --all"
expect 0 'nothing' env PQR_LAKE_RETENTION_DAYS=3 "$pqr" run "${january[@]}" # the key does not decide what a run is
expect 1 'failed: silver/dim_status: .*1 of [0-9]+ tables failed' bash -c "'$pqr' table checkpoint --all --lake broken 2>&1 | tr '\n' ' '; exit \${PIPESTATUS[0]}"
same "$("$pqr" table checkpoint --all --lake broken --json 2>/dev/null | jq '[.[] | select(has("error"))] | length')" 1 "errors as JSON"
expect 2 'takes no columns' "$pqr" table optimize --all --zorder day --lake lake
expect 2 'takes no --all' "$pqr" table cat --all --lake lake
expect 2 'unexpected argument' "$pqr" table vacuum --all silver.tickets --lake lake

# mistakes: one line each, with the remedy
expect 2 "unknown action 'hist.*did you mean history" "$pqr" table histroy silver.tickets --lake lake
expect 2 'expected the table' "$pqr" table cat --lake lake
expect 1 'did you mean silver.tickets' "$pqr" table cat silver.tikets --lake lake
expect 2 'takes no --dry-run' "$pqr" table cat silver.tickets --dry-run --lake lake
expect 2 'each name a version' "$pqr" table cat silver.tickets --version 0 --at 2026-01-01 --lake lake
expect 2 "expected a version's number" "$pqr" table cat silver.tickets --version x --lake lake
expect 2 'no column' "$pqr" table cat silver.tickets --columns nope --lake lake
expect 2 'did you mean|no column' "$pqr" table cat silver.tickets --where "sla_statu = LATE" --lake lake
expect 2 'expected bytes' "$pqr" table optimize silver.tickets --target-size big --lake lake

# What the log says of the files is part of what is verified, and a table's missing file is no order.
"$pqr" run --from 2026-01-01 --to 2026-01-03 --volume 30 --lake small --quiet >/dev/null 2>log || bad "a small run: $(tail -n 1 log)"
expect 0 ' 0 differences' "$pqr" verify --lake small
expect 0 '^ok +tables +[0-9]+, their logs and files are in order' "$pqr" doctor --lake small
log0=small/silver/tickets/_delta_log/00000000000000000000.json
for change in 's/"size":1/"size":2/' 's/"month":"2026-01"/"month":"2026-02"/' 's/"add":/"ade":/' 's/part-/pbrt-/' \
  's/numRecords\\":/numRecords\\":1/' 's/ticket_id\\",\\"type\\":\\"string/ticket_id\\",\\"type\\":\\"binary/' 's/ticket_id/ticket_ie/' 's/{"metaData"/{"metaDatb"/'; do
  cp "$log0" kept
  sed -i "$change" "$log0"
  cmp -s kept "$log0" && bad "$change changes nothing"
  expect 4 'silver/tickets' "$pqr" verify --lake small
  cp kept "$log0"
done
file=$(find small/gold/daily_kpis -name 'part-*.parquet' | head -n 1)
mv "$file" kept
expect 1 '^BAD +tables +gold/daily_kpis/.*parquet is missing' "$pqr" doctor --lake small
mv kept "$file"
expect 0 '^ok +tables' "$pqr" doctor --lake small

printf '{"add":{"path":"../../etc/passwd","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}\n' >lake/silver/messages/_delta_log/00000000000000000002.json
expect 1 '_delta_log/00000000000000000002.json:1' "$pqr" table cat silver.messages --lake lake
done_testing
