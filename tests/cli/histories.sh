# tests/cli/histories.sh: sourced after lib.sh and rows.sh by tests that compare what runs published and what they left in silver: all
# columns but run_id, a row a line, in order.
# shellcheck shell=bash disable=SC2154 # pqr comes from lib.sh

# published sqlite_rows FILE, published postgres_rows URI: every gold and core table, "<schema>_<table>|<values>"
published() {
  local table
  for table in $(published_tables); do "$1" "$2" gold "$table" run_id | sed "s/^/gold_$table|/"; done
  for table in tickets ticket_events dim_geo; do "$1" "$2" core $table run_id | sed "s/^/core_$table|/"; done
}

# same_rows FILE FILE WHAT: dumps of published rows; each table must be there and hold something
same_rows() {
  local n
  n=$(cut -d'|' -f1 "$2" | uniq | wc -l)
  [ "$n" -ge 17 ] || bad "$3: only $n tables have rows"
  cmp -s "$1" "$2" || bad "$3: published rows differ: $(diff "$1" "$2" | grep -E '^[<>]' | head -n 4)"
}

# history_of LAKE RUN: the runs that silver of this one took up, oldest first, a line each
history_of() { find "$1/manifests" -path "*run_id=$2/stages/silver.json" -exec jq -r '.history.runs[]?' {} +; }

# silver_rows LAKE RUN: its tickets and preclassification; and of the other tables, for each ticket, the rows of the newest
# run of its history that has any. Where an event lies in raw is not compared.
silver_rows() {
  local runs table query="" n=0
  runs=$({ history_of "$1" "$2"; echo "$2"; } | while IFS= read -r id; do printf "%s('%s', %d)" "${comma:-}" "$id" $((n += 1)); comma=', '; done)
  for table in tickets preclassification; do
    query+=" UNION ALL SELECT '$table' AS what, r::VARCHAR AS line FROM (SELECT * EXCLUDE (run_id) FROM silver.$table WHERE run_id = '$2') r"
  done
  for table in messages status_events attachments; do
    query+=" UNION ALL SELECT '$table', r::VARCHAR FROM (SELECT t.* EXCLUDE (run_id) FROM silver.$table t SEMI JOIN newest USING (ticket_id, run_id)) r"
  done
  query+=" UNION ALL SELECT 'quarantine', r::VARCHAR FROM (SELECT t.* EXCLUDE (run_id, raw_object, raw_line) FROM silver.quarantine t SEMI JOIN newest USING (ticket_id, run_id)) r"
  "$pqr" sql --lake "$1" --format csv "WITH runs(run_id, n) AS (VALUES $runs), touched AS (SELECT ticket_id, run_id FROM silver.messages
    UNION ALL SELECT ticket_id, run_id FROM silver.status_events UNION ALL SELECT ticket_id, run_id FROM silver.attachments
    UNION ALL SELECT ticket_id, run_id FROM silver.quarantine),
    newest AS (SELECT ticket_id, arg_max(run_id, n) AS run_id FROM touched JOIN runs USING (run_id) GROUP BY ticket_id)
    ${query# UNION ALL} ORDER BY ALL"
}
# same_silver FILE FILE WHAT
same_silver() {
  for table in tickets preclassification messages status_events attachments; do
    grep -q "^$table," "$2" || bad "$3: no row of silver.$table"
  done
  cmp -s "$1" "$2" || bad "$3: silver differs: $(diff "$1" "$2" | grep -E '^[<>]' | cut -c1-400 | head -n 4)"
}

# run_hash LAKE RUN: one hash over names and contents of all files of one run
run_hash() { (cd "$1" && find . -path "*/run_id=$2/*" -type f -print | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1); }
