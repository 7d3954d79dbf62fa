#!/usr/bin/env bash
# Wrong usage, wrong configuration, changed objects, full disks: one line, the right exit status, resumable.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
one_line() { # like expect, and standard error holds exactly one line of trouble
  local want=$1 pattern=$2 code
  shift 2
  "$@" >out 2>err </dev/null
  code=$?
  [ "$code" -eq "$want" ] || bad "$*: exit $code, expected $want: $(cat err)"
  grep -qE -- "$pattern" err || bad "$*: no /$pattern/ in: $(cat err)"
  same "$(grep -c '^pqr: error: ' err) $(grep -cv '^pqr: ' err)" "1 0" "$*: lines of trouble, and of anything else, on standard error"
}

# usage
one_line 2 "unknown command 'rnu'.*run" "$pqr" rnu
one_line 2 "unknown option '--sead'.*--seed" "$pqr" run --sead 1
one_line 2 "unknown option '--sead=1'.*pqr help. lists" "$pqr" --sead=1
one_line 2 "unknown command 'rnu'.*run" "$pqr" help rnu
one_line 2 "unsupported in this version: pqr classify " "$pqr" classify
one_line 2 "unsupported in this version: pqr classify " "$pqr" help classify
one_line 1 'unsupported in this version: input from imap://;' "$pqr" ingest imap://user:secret@host/inbox
grep -q secret err && bad "a password of an input was shown"
one_line 2 '--from: .*expected a date.*there is no month 13' "$pqr" run --from 2025-13-01
one_line 2 '2025-02 has 28 days' "$pqr" run --to 2025-02-29
one_line 2 '--emit-from: .*2025-04 has 30 days' "$pqr" run --emit-from 2025-04-31
one_line 2 '--as-of: .*there is no month 13' "$pqr" run --as-of 2025-13-01
one_line 2 'task -: an empty document' "$pqr" task - --lake nowhere
# a zone's file that is there and cannot be read is not called missing: a disk that fails, as the kernel does at address 0 of a process' memory
one_line 1 'cannot read /proc/self/mem: Input/output error$' env TZDIR=/proc/self PQR_CALENDAR_TIMEZONE=mem "$pqr" run --lake nowhere
one_line 2 'no zone "none" in the tz database .*tzdata' env TZDIR=/proc/self PQR_CALENDAR_TIMEZONE=none "$pqr" run --lake nowhere
[ ! -e nowhere ] || bad "a zone that cannot be read left a lake"
# memory that ends, wherever: a word of it, and nothing that looks like a result
ended=0
for kb in 45000 60000 75000 90000 110000; do
  (ulimit -v $kb && exec "$pqr" run --lake small --from 2025-09-01 --to 2025-09-03 --volume 40 --quiet --no-publish) >out 2>err
  code=$?
  [ $code != 0 ] || { rm -r small; continue; }
  [ $code != 127 ] || continue # not even the libraries found room
  ended=$((ended + 1))
  same "$code" 1 "exit status in $kb KiB"
  [ -s out ] && bad "in $kb KiB: a result that is none: $(head -n 1 out)"
  grep -qE 'memory|Resource temporarily unavailable' err || bad "in $kb KiB: no word of memory: $(head -n 2 err)"
done
[ $ended -gt 0 ] || bad "no run lacked memory"
echo '{}' >some.jsonl
for flag in "--seed 7" "--from 2026-01-01" "--to 2026-01-02" "--emit-from 2026-01-01" "--volume 9"; do
  # shellcheck disable=SC2086 # a flag and its value
  one_line 2 "${flag%% *} is the simulator's" "$pqr" run --input some.jsonl $flag
  # shellcheck disable=SC2086
  one_line 2 "${flag%% *} is the simulator's" "$pqr" plan --input some.jsonl $flag
done
rm some.jsonl
one_line 2 'expected .* after it' "$pqr" run --seed
one_line 2 '--seed' "$pqr" run --seed many
one_line 2 '(ends|before|after)' "$pqr" run --from 2026-02-01 --to 2026-01-01
one_line 2 'as-of 2025-01-20 lies before' "$pqr" run "${small[@]}" --as-of 2025-01-20
one_line 1 'as-of 9990-01-20 lies over 100 years after the first day' "$pqr" run "${small[@]}" --as-of 9990-01-20
one_line 2 'emit-from' "$pqr" run "${small[@]}" --emit-from 2025-01-20
one_line 1 'nowhere.jsonl' "$pqr" run --input nowhere.jsonl
one_line 1 'nowhere.jsonl' "$pqr" ingest nowhere.jsonl
one_line 1 'nowhere.jsonl' "$pqr" plan --input nowhere.jsonl
one_line 2 'was named twice' "$pqr" run --input - --input -
mkdir nothing && one_line 1 'no .*file.* in folder nothing' "$pqr" run --input nothing
one_line 2 'expected threads, dask://HOST:PORT' "$pqr" run "${small[@]}" --executor dusk://here:1
one_line 2 '--run-id: expected .*UUID' "$pqr" verify --run-id nonsense
one_line 2 '--run: expected .*UUID' "$pqr" verify --run nonsense
one_line 2 '--run: expected .*UUID' "$pqr" run "${small[@]}" --run=nonsense
[ ! -e lake ] || bad "a refused run left a lake: $(find lake)"
one_line 1 'executor dask://here:1: no .*/no/python here.*PQR_PYTHON' env PQR_PYTHON=/no/python "$pqr" run --lake other "${small[@]}" --executor dask://here:1
one_line 5 'pip install .*exit status 1' env PQR_PYTHON=false "$pqr" run --lake other "${small[@]}" --executor dask://here:1
rm -r other
mkdir empty
one_line 1 'has committed nothing' "$pqr" verify --lake empty --run-id 00000000-0000-4000-8000-000000000000
[ -z "$(ls -A empty)" ] || bad "a wrong command line wrote into the lake"

# an input whose only line has a time but is not valid
echo '{"event_id":"nope","ticket_id":"nope","event_type":"MESSAGE_ADDED","ts":"2026-01-01T00:00:00Z","data":{}}' >invalid.jsonl
expect 3 'some_line_accepted.*invalid.jsonl is JSON Lines, but holds no event \(line 1: bad_uuid event_id; its only line is rejected\); docs/events.md' "$pqr" run --input invalid.jsonl --lake invalid --quiet
expect 3 'invalid.jsonl is JSON Lines, but holds no event' "$pqr" run --input invalid.jsonl --lake invalid2 --quiet --as-of 2026-03-31

# no line at all: nothing to do, however it comes
: >empty.jsonl
printf '\xef\xbb\xbf \r\n\n' >blank.jsonl
gzip -c empty.jsonl >empty.jsonl.gz
for file in empty.jsonl blank.jsonl empty.jsonl.gz - /dev/null; do
  expect 0 'nothing to do: the input holds no line' "$pqr" run --input "$file" --lake hollow
  same "$("$pqr" run --input "$file" --lake hollow --json </dev/null 2>/dev/null | jq -c '[.status, .nothing_to_do, .rows.raw, .as_of]')" '["SUCCESS",true,0,null]' "$file"
done
[ -z "$(find hollow -mindepth 1 ! -name 'control.db*')" ] || bad "an empty input left something: $(find hollow)"

# files of other formats: one line that names the format, the first reason and the way in; nothing is published, whatever as-of says
event() { printf '{"event_id":"%08x-0000-4000-8000-000000000000","ticket_id":"11111111-1111-4111-8111-111111111111","event_type":"TICKET_CREATED","ts":"2026-03-02T09:00:00-05:00","data":{"external_id":"1","source_channel":"email"}}\n' "$1"; }
{ event 1; event 2; } >good.jsonl
printf 'radicado;fecha;tipo\n2026;02/03/2026;Queja\n' >a.csv
jq -s . good.jsonl >spread.json
jq -sc . good.jsonl >array.json
jq . good.jsonl >pretty.json
jq -c '{id: .event_id, when: .ts}' good.jsonl >others.jsonl
printf 'Return-Path: <a@b.co>\nSubject: Queja\n\nHola\n' >mail.eml
printf 'From a@b.co Mon Mar  2 09:00:00 2026\nSubject: Queja\n\nHola\n' >mail.mbox
printf '<!DOCTYPE html>\n<html></html>\n' >page.html
printf '%%PDF-1.7\n1 0 obj\n' >letter.pdf
printf 'PK\3\4\24\0\6\0\10\0\0\0!\0abcdefghijklmn\0\0[Content_Types].xml' >book.xlsx
printf 'PAR1\25\4\25\20PAR1' >part.parquet
for code in UTF-16 UTF-16LE UTF-16BE UTF-32 UTF-32BE; do iconv -f UTF-8 -t "$code" good.jsonl >"$code.jsonl"; done
xz -kc good.jsonl >good.xz
gzip -c a.csv >a.csv.gz
n=0
refused() { # file, name of the format, way in
  n=$((n + 1))
  one_line 3 "input .*$1 is $2.*$3" "$pqr" run --input "$1" --lake "refused$n" --quiet
  one_line 3 "is $2" "$pqr" run --input "$1" --lake "refused$n" --quiet --as-of 2026-03-31
  [ ! -e "refused$n/control.db" ] || same "$(sqlite3 "refused$n/control.db" "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'gold\_%' ESCAPE '\\'")" 0 "tables published of $1"
}
refused a.csv 'CSV, and events come as JSON Lines, one object a line \(line 1: not_json; all 2 lines are rejected\)' docs/events.md
refused a.csv.gz CSV docs/events.md
refused array.json 'a JSON array, .*\(line 1: not_object; its only line is rejected\)' "\`jq -c '.\[\]' FILE . pqr run --input -\`"
refused spread.json 'a JSON array' 'jq -c'
refused pretty.json 'JSON over several lines' "\`jq -c \. FILE"
expect 3 'others.jsonl is JSON Lines, but holds no event \(line 1: missing event_id; all 2 lines are rejected\); docs/events.md' "$pqr" run --input others.jsonl --lake others --quiet
same "$(sqlite3 others/control.db "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'gold\_%' ESCAPE '\\'")" 0 "tables published of others.jsonl"
refused mail.eml 'e-mail' docs/events.md
refused mail.mbox 'e-mail .mbox.' docs/events.md
refused page.html HTML docs/events.md
refused letter.pdf PDF docs/events.md
refused book.xlsx 'a spreadsheet or office document' docs/events.md
refused part.parquet Parquet docs/events.md
refused UTF-16.jsonl 'UTF-16 text, .*\(line 1: not_json\)' 'iconv -f UTF-16LE -t UTF-8 FILE . pqr run --input -'
refused UTF-16LE.jsonl 'UTF-16 text' 'iconv -f UTF-16LE'
refused UTF-16BE.jsonl 'UTF-16 text' 'iconv -f UTF-16BE'
refused UTF-32.jsonl 'UTF-32 text' 'iconv -f UTF-32LE'
refused UTF-32BE.jsonl 'UTF-32 text' 'iconv -f UTF-32BE'
refused good.xz 'compressed by xz' 'xz -dc FILE'
one_line 3 'a.csv is CSV' "$pqr" run --input good.jsonl --input a.csv --lake mixed --quiet
mkdir mixed.d && cp good.jsonl mixed.d/ && cp a.csv mixed.d/a.jsonl
one_line 3 'mixed.d/a.jsonl is CSV' "$pqr" run --input mixed.d --lake mixed --quiet
{ cat a.csv; head -n 1 good.jsonl; } >mixed.d/a.jsonl # one event in it: the rest is rejects
[ ! -e mixed ] || bad "a lake was made for what is refused at the start"
expect 0 '"rejected":2' "$pqr" run --input mixed.d --lake mixed --json
# a stream that the caller closed
one_line 1 'cannot read input -: standard input is closed; give it a file or a pipe' bash -c '"$1" run --input - --lake closed <&-' . "$pqr"
[ ! -e closed ] || bad "a lake was made for a closed stream"
expect 1 'cannot write to standard output' bash -c '"$1" run --input good.jsonl --lake closed --json >&-' . "$pqr"
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do # their numbers are no file's of the lake
  rm -rf closed
  bash -c '"$1" run --input good.jsonl --lake closed '"$closed" . "$pqr" >/dev/null 2>&1
  expect 0 ' 0 differences' "$pqr" verify --lake closed
done
# the ways in work
want=$("$pqr" run --input good.jsonl --lake ways --json 2>/dev/null | jq -r .run_id)
way() { same "$("$pqr" run --input - --lake ways --json 2>/dev/null | jq -r .run_id)" "$want" "$1"; }
jq -c '.[]' array.json | sed 's/$//' >lines.jsonl
same "$(jq -cS . lines.jsonl)" "$(jq -cS . good.jsonl)" "lines of an array"
for code in UTF-16LE UTF-16BE UTF-32BE; do iconv -f "$code" -t UTF-8 "$code.jsonl" | way "$code"; done
xz -dc good.xz | way xz
# cut off, changed, and with something behind: nothing of it is taken
head -c -10 empty.jsonl.gz >cut.gz
gzip -c good.jsonl | head -c 60 >cut2.gz
zstd -qc good.jsonl | head -c 60 >cut.zst
{ gzip -c good.jsonl; echo more; } >more.gz
for file in cut.gz cut2.gz cut.zst more.gz; do one_line 1 "$file: the (gzip|zstd) data is (cut off after|corrupt)" "$pqr" run --input "$file" --lake cut --quiet; done

one_line 2 'input - is a stream, which only one process can read' "$pqr" plan --input - --lake planned

# values of source=: they work, or are refused before anything is written
k=0
# shellcheck disable=SC1003
for source in crm:prod 'a//b' .. . / 'https://x.y/z?q=1' 'a b' ñandú '%2F' 'a\b' "$(printf 'a\nb')" __HIVE_DEFAULT_PARTITION__ "$(printf '%248s' '' | tr ' ' x)"; do
  k=$((k + 1))
  expect 0 SUCCESS "$pqr" run --input good.jsonl --lake "source$k" --source "$source" --json
  same "$("$pqr" table cat --lake "source$k" bronze.pqrs_events --format json --columns source | jq -r '.[].source' | sort -u)" "$source" "source of bronze"
  expect 0 ' 0 differences' "$pqr" verify --lake "source$k"
done
one_line 2 'the source has no name; give --source a value' "$pqr" run --input good.jsonl --lake nosource --source ''
one_line 2 'not UTF-8' "$pqr" run --input good.jsonl --lake nosource --source "$(printf 'a\xff')"
one_line 2 'too long' "$pqr" run --input good.jsonl --lake nosource --source "$(printf '%249s' '' | tr ' ' x)"
one_line 2 'too long' "$pqr" run --input good.jsonl --lake nosource --source "$(printf '%50s' '' | sed 's/ /ñ/g')"
[ ! -e nosource ] || bad "a refused source left a lake"

# configuration: file, line and key
config() { printf '%s\n' "$@" >pqr.yaml; }
config 'simulation:' '  volume_daily_avg: 60' '  colour: red'
one_line 2 'pqr.yaml:3: .*colour' "$pqr" run
config 'simulation:' '  volume_daily_avg: many'
one_line 2 'pqr.yaml:2: .*volume_daily_avg' "$pqr" run
config 'simulation:' '  channel_probs:' '    email: 0.5' '    webform: 0.31' '    chat: 0.14' '    call: 0.11' '    other_digital: 0.06'
one_line 2 'pqr.yaml:[0-9]+: .*channel_probs.*(sum|add)' "$pqr" run
config 'simulation:' '  date_range:' '    from: 2026-02-01' '    to: 2026-01-01'
one_line 2 'pqr.yaml:[0-9]+: .*date_range' "$pqr" run
config 'simulation: [1'
one_line 2 'pqr.yaml' "$pqr" run
rm pqr.yaml

# a raw object that changed after landing
expect 0 PENDING "$pqr" run "${small[@]}" --lake changed --until raw --json
object=$(find changed/raw -name events.jsonl | LC_ALL=C sort | head -n 3 | tail -n 1)
cp "$object" saved
sed -i '1s/TICKET/TACKET/; 1s/STATUS/STOTUS/; 1s/MESSAGE/MASSAGE/; 1s/ATTACH/OTTACH/' "$object"
one_line 4 "${object#changed/}" "$pqr" bronze --lake changed
expect 4 "${object#changed/}" "$pqr" verify --lake changed
cat saved >"$object"
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake changed
expect 0 ' 0 differences' "$pqr" verify --lake changed

# a commit that was lost or damaged is a difference too
commit=$(find changed/manifests -name bronze.json)
mv "$commit" saved
expect 4 "${commit#changed/}: missing" "$pqr" verify --lake changed
head -c 200 saved >"$commit"
expect 4 "${commit#changed/}: damaged" "$pqr" verify --lake changed
one_line 4 "${commit#changed/}: the stage's commit was damaged .*restore it.*--run-id" "$pqr" run "${small[@]}" --lake changed
sed 's/"bytes_out":[0-9]*/"bytes_out":1/' saved >"$commit"
one_line 4 "${commit#changed/}: the stage's commit was changed .*restore it.*--run-id" "$pqr" run "${small[@]}" --lake changed
sed 's/"counters"/ "counters"/' saved >"$commit"
expect 4 "${commit#changed/}: damaged" "$pqr" verify --lake changed
mv saved "$commit"
expect 0 'nothing to do' "$pqr" run "${small[@]}" --lake changed
first=$(find changed/manifests -name raw.json)
mv "$first" saved
expect 4 'manifest root unknown without the commit of raw' "$pqr" verify --lake changed
same "$("$pqr" verify --lake changed --json 2>/dev/null | jq .root)" null "root without the commit of raw"
mv saved "$first"
last=$(find changed/manifests -name gold.json)
mv "$last" saved
expect 4 "${last#changed/}: missing" "$pqr" verify --lake changed
mv saved "$last"
expect 0 ' 0 differences' "$pqr" verify --lake changed

# of what decides what is read no byte changes unseen, and no table is missed: a counter's name, a text in a log, a checkpoint, a folder
turned() { # FILE FROM TO: verify and doctor see it
  cp "$1" saved
  LC_ALL=C sed -i "0,/$2/s//$3/" "$1"
  cmp -s "$1" saved && bad "no $2 in $1"
  expect 4 "${1#changed/}: (damaged|missing)" "$pqr" verify --lake changed
  expect 1 "BAD +$4 .*${1#changed/} is damaged" "$pqr" doctor --lake changed
  cat saved >"$1"
}
"$pqr" table checkpoint silver.tickets --lake changed >/dev/null || bad "checkpoint"
expect 0 'ok +runs +1, what they left is in order' "$pqr" doctor --lake changed
turned "$commit" rows_in rows_im runs
turned "$(find changed/manifests -name versions.json)" 'silver\.tickets' 'silver.tickats' runs
turned "$(find changed/manifests/config -name '*.json')" Medell Nedell runs
turned changed/silver/tickets/_delta_log/00000000000000000000.json '"operation"' '"operatiom"' tables
turned "$(find changed/silver/tickets/_delta_log -name '*.checkpoint.parquet')" partitionValues partitionValuez tables
for gone in silver/messages gold/sla_daily/_delta_log; do
  mv "changed/$gone" gone
  expect 4 "^${gone%/_delta_log}: missing" "$pqr" verify --lake changed
  expect 1 "BAD +runs +${gone%/_delta_log} is missing" "$pqr" doctor --lake changed
  mv gone "changed/$gone"
done
expect 0 ' 0 differences' "$pqr" verify --lake changed

# a task document with a range that no plan makes
"$pqr" plan "${small[@]}" --lake changed | jq -c '.stages[0].tasks[0] | .lo = 5 | .hi = -7' >task.json
one_line 2 'days \[5, -7\)' "$pqr" task task.json --lake changed
"$pqr" plan "${small[@]}" --lake changed | jq -c '.stages[2].tasks | map(select(.part == ""))[0] | .lo = 4096 | .hi = 8192' >task.json
one_line 2 'expected buckets' "$pqr" task task.json --lake changed
"$pqr" plan "${small[@]}" --lake changed | jq -c '.stages[3].tasks | map(select(.part == "tickets"))[0]' >gold.json
for change in '.lo += 1' '.lo = "BIG"' '.lo = 4294967296 + .lo' '.hi = .lo'; do
  jq -c "$change" gold.json | sed -E 's/"(-?)BIG"/\19223372036854775807/' >task.json # jq counts in doubles
  one_line 2 'are no month' "$pqr" task task.json --lake changed
done
for change in '.run.as_of = null' '.run.as_of = "BIG"' '.run.as_of = "-BIG"' \
  '.run.date_from = null' '.run.date_to = "2025-01-01"' '.run.date_from = "0001-01-01"' '.run.run_id = "nonsense"' '.inputs[0].rows = -7'; do
  jq -c "$change" gold.json | sed -E 's/"(-?)BIG"/\19223372036854775807/' >task.json # jq counts in doubles
  one_line 2 'task document' "$pqr" task task.json --lake changed
done
jq -c '.inputs[0].rows = 4294967296' gold.json >task.json
one_line 2 'expected at most' "$pqr" task task.json --lake changed

# a truncated Parquet file
part=$(find changed/silver/tickets -name '*.parquet' | head -n 1)
truncate -s -20 "$part"
expect 4 "${part#changed/}" "$pqr" verify --lake changed

# a file or folder in the way, no rights, no lake
touch file
one_line 1 'file' "$pqr" run "${small[@]}" --lake file
mkdir -p blocked/control.db
one_line 1 'control.db' "$pqr" run "${small[@]}" --lake blocked
mkdir -p inway && touch inway/raw
one_line 1 'raw' "$pqr" run "${small[@]}" --lake inway
rm inway/raw
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake inway
printf 'not a database, but long enough to be one' >garbage.db
one_line 1 'garbage.db' "$pqr" run "${small[@]}" --lake l2 --control sqlite:garbage.db

# a full disk: nothing published; after making room the same command finishes with the same bytes
find inway/raw -name events.jsonl | LC_ALL=C sort | xargs cat >all.jsonl # what a run of files writes nobody foretells
if [ "$(id -u)" -eq 0 ] && mkdir tiny && mount -t tmpfs -o size=1m tmpfs tiny 2>/dev/null; then
  "$pqr" run --input all.jsonl --lake roomy --json >/dev/null 2>&1 || bad "a run of files"
  one_line 1 'make room' "$pqr" run "${small[@]}" --lake tiny/lake --control sqlite:tiny.db
  one_line 1 'No space left' "$pqr" run --input all.jsonl --lake tiny/lake --control sqlite:tiny.db
  same "$(sqlite3 tiny.db "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'gold\_%' ESCAPE '\\'")" 0 "published tables after a full disk"
  mount -o remount,size=200m tiny
  expect 0 '(SUCCESS|DEGRADED)' "$pqr" run --input all.jsonl --lake tiny/lake --control sqlite:tiny.db
  same "$(lake_hash tiny/lake)" "$(lake_hash roomy)" "lake after a full disk"
  # what is to be made again needs room too
  rm -r tiny/lake/gold
  mount -o remount,size=$(($(df --output=used -k tiny | tail -n 1) + 16))k tiny
  one_line 1 'writes about .*free beside what it removes: make room' "$pqr" rebuild --lake tiny/lake --control sqlite:tiny.db
  [ -d tiny/lake/silver ] || bad "a rebuild that has no room has begun"
  mount -o remount,size=200m tiny
  expect 0 'published run' "$pqr" rebuild --lake tiny/lake --control sqlite:tiny.db
  same "$(lake_hash tiny/lake)" "$(lake_hash roomy)" "lake after a rebuild"
  umount tiny
else
  echo "note: no right to mount a small disk here; the full-disk case was not run"
fi

# a limit of a file's size, as batch systems set one
one_line 1 "File too large; raise the limit of a file's size \(ulimit -f\) and run the same command again" bash -c 'ulimit -f 20; exec "$1" run --input all.jsonl --lake limited' . "$pqr"
expect 0 '(SUCCESS|DEGRADED)' "$pqr" run --input all.jsonl --lake limited
expect 0 ' 0 differences' "$pqr" verify --lake limited

# a lake whose bronze another version laid otherwise
expect 0 . "$pqr" run --lake older --from 2025-09-01 --to 2025-09-02 --volume 9 --quiet --json
sed -i 's/"partitionColumns":\["month","run_id"\]/"partitionColumns":["source","day","run_id"]/' older/bronze/pqrs_events/_delta_log/00000000000000000000.json
one_line 1 'bronze.pqrs_events is partitioned by source, day, run_id, .*another version.*`pqr rebuild` makes' "$pqr" run --lake older --from 2025-09-01 --to 2025-09-03 --volume 9
same "$(find older/raw -name 'day=2025-09-04' | wc -l)" 0 "days of a run that is refused"
expect 0 'published run' "$pqr" rebuild --lake older
expect 0 'nothing_to_do":true' "$pqr" run --lake older --from 2025-09-01 --to 2025-09-02 --volume 9 --quiet --json
expect 0 ' 0 differences' "$pqr" verify --lake older

# more than the disk can take is said before the first file
one_line 1 'writes about [0-9.]+ [TP]B to .*/vast, where [0-9.]+ [A-Z]+B are free: make room' "$pqr" run --lake vast --volume 10000000
[ ! -e vast/raw ] || bad "a run that has no room has begun"

# Ctrl-C: exit 130 within a second, then the same command finishes. On a busy machine it may take longer, but not each time.
for turn in 1 2 3 4 5; do
  rm -rf stopped
  "$pqr" run --lake stopped --quiet --from 2025-09-01 --to 2026-02-28 >/dev/null 2>err </dev/null &
  pid=$!
  within 120 has_files stopped/raw 1 || bad "the run to be stopped makes nothing"
  kill -INT "$pid"
  asked=$(date +%s%N)
  wait "$pid"
  code=$?
  waited_ms=$((($(date +%s%N) - asked) / 1000000))
  same "$code" 130 "exit status after Ctrl-C"
  same "$(sqlite3 stopped/control.db "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'gold\_%' ESCAPE '\\'")" 0 "published tables after Ctrl-C"
  [ "$waited_ms" -gt 1000 ] || break
done
[ "$waited_ms" -le 1000 ] || bad "Ctrl-C took $waited_ms ms in turn $turn"

# two runs at once: the second says who holds it
"$pqr" run --lake twice --quiet >/dev/null 2>&1 </dev/null &
pid=$!
within 120 has_files twice/raw 1 || bad "the first of two runs makes nothing"
one_line 1 "(held|holds|busy|running).*$pid|$pid.*(holds|held)" "$pqr" run --lake twice
kill -9 "$pid"
wait "$pid" 2>/dev/null
expect 0 SUCCESS "$pqr" run --lake twice --quiet --json
done_testing
