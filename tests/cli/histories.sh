# tests/cli/histories.sh: sourced after lib.sh and rows.sh by tests that compare what runs published and what they left in silver: all
# columns but run_id and history_id, a row a line, in order.
# shellcheck shell=bash disable=SC2154 # pqr comes from lib.sh

# published sqlite_rows FILE, published postgres_rows URI: every gold and core table, "<schema>_<table>|<values>"
published() {
  local table
  for table in $(published_tables); do "$1" "$2" gold "$table" run_id | sed "s/^/gold_$table|/"; done
  for table in tickets ticket_events messages dim_geo; do "$1" "$2" core $table run_id | sed "s/^/core_$table|/"; done
}

# same_rows FILE FILE WHAT: dumps of published rows; each table must be there and hold something
same_rows() {
  local n
  n=$(cut -d'|' -f1 "$2" | uniq | wc -l)
  [ "$n" -ge 18 ] || bad "$3: only $n tables have rows"
  cmp -s "$1" "$2" || bad "$3: published rows differ: $(diff "$1" "$2" | grep -E '^[<>]' | head -n 4)"
}

# history_of LAKE RUN: the runs that silver of this one took up, oldest first, a line each
history_of() { find "$1/manifests" -path "*run_id=$2/stages/silver.json" -exec jq -r '.history.runs[]?' {} +; }

# silver_rows LAKE RUN: what stands of the run's history, the last run of which it is. Where an event lies in raw is not compared.
silver_rows() {
  local runs table query="" left_out
  runs=$({ history_of "$1" "$2"; echo "$2"; } | sed "s/.*/'&'/" | paste -sd,)
  for table in tickets preclassification messages status_events attachments quarantine; do
    left_out='history_id, run_id'
    [ $table = quarantine ] && left_out+=', raw_object, raw_line'
    query+=" UNION ALL SELECT '$table' AS what, r::VARCHAR AS line FROM (SELECT * EXCLUDE ($left_out) FROM silver.$table WHERE run_id IN ($runs)) r"
  done
  "$pqr" sql --lake "$1" --format csv "${query# UNION ALL} ORDER BY ALL"
}
# same_silver FILE FILE WHAT
same_silver() {
  for table in tickets preclassification messages status_events attachments; do
    grep -q "^$table," "$2" || bad "$3: no row of silver.$table"
  done
  cmp -s "$1" "$2" || bad "$3: silver differs: $(diff "$1" "$2" | grep -E '^[<>]' | cut -c1-400 | head -n 4)"
}

# run_hash LAKE RUN: one hash over names and contents of all files of one run, but for the numbers of the tables' versions, which other
# histories in the lake raise
run_hash() { (cd "$1" && find . -path "*/run_id=$2/*" -type f ! -name base.json ! -name versions.json -print | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1); }
