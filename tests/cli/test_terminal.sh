#!/usr/bin/env bash
# What a terminal shows: nothing wider than it, colours that can be turned off; a prompt that is left as others are; completion in the
# shells that are here.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$(dirname "$pqr"):$PATH
typed() { python3 "$root/tests/cli/typed.py" "$@"; }
# narrow COLUMNS COMMAND...: no line of it is wider than that terminal
narrow() {
  local columns=$1 wide
  shift
  wide=$(typed "$columns" "$@" </dev/null) || { bad "$*: $wide"; return; }
  [ "${wide%%$'\t'*}" -le "$columns" ] || bad "$* on $columns columns: a line of $wide"
}

# a lake with rejects, quarantine and warnings, of a file in a deep folder; one whose run was stopped; one that is damaged
deep=$PWD/a/folder/with/a/long/name/as/exports/of/other/systems/have/them
mkdir -p "$deep"
"$pqr" generate "${small[@]}" --lake sim --quiet
{
  echo 'no JSON'
  printf 'caf\xe9\n'
  find sim/raw -path '*source=email/day=2026-01-0*' -name events.jsonl -exec grep -hv TICKET_CREATED {} + | sed -n 1,20p
  find sim/raw -path '*source=email/day=2026-01-*' -name events.jsonl -exec cat {} + | sed -n 1,2000p
} >"$deep/events.jsonl"
echo '{"a":1}' >other.jsonl
narrow 80 "$pqr" run --input "$deep/events.jsonl"
narrow 80 "$pqr" run --input other.jsonl --lake refused
id=$("$pqr" runs --json | jq -r '.[0].run_id')
ticket=$("$pqr" table cat silver.tickets --columns ticket_id --limit 1 --format csv | tail -n 1 | tr -d '\r')
cp -r lake damaged
find damaged/raw -name events.jsonl -exec sh -c 'echo >>"$1"' _ {} \;
rm damaged/silver/tickets/_delta_log/*0.json
columns_of() {
  while read -r words; do
    # shellcheck disable=SC2086 # a line is the words of a command
    [ -z "$words" ] || narrow "$1" "$pqr" $words
  done
}
{ echo help; "$pqr" help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/help \1/p'; } >helps
[ "$(wc -l <helps)" -gt 20 ] || bad "too few commands: $(cat helps)"
cat >reports <<END
run --input $deep/events.jsonl
runs
runs show $id
runs retry $id
runs diff $id $id
quality
quality --lake refused
lineage
rejects
rejects --reason nothing
rejects --lake refused
verify
verify --lake damaged
doctor
doctor --lake damaged
doctor --lake none
doctor --control $deep
table list
table schema silver.tickets
table history silver.tickets
table files silver.tickets
table cat silver.tickets
table cat silver.tickets --columns ticket_id,external_id,created_at,run_id
table cat gold.daily_kpis
table optimize --all
table vacuum --all --dry-run
table checkpoint silver.tickets
explain $ticket
explain $deep
calendar 2026
lake create --lake made
generate --lake other --from 2026-01-01 --to 2026-01-02
run --from 2025-13-01
run --input $deep/nothing
rnus
runs --lake $deep/none
END
columns_of 80 <helps
columns_of 80 <reports
columns_of 52 <helps
grep -E '^(run|runs|quality|rejects|verify|doctor|table|explain)( |$)' reports | sed -n 'p;n' | columns_of 52
# a table of too many columns is shown a column a line, as SQL's are
typed 80 "$pqr" table cat silver.tickets --limit 1 </dev/null >/dev/null || bad "table cat on a terminal"
same "$(TERM=xterm script -qec "stty cols 80; '$pqr' table cat silver.tickets --limit 2" /dev/null </dev/null | grep -c '^-- row [12]')" 2 "records"
if "$pqr" sql 'SELECT 1' >/dev/null 2>&1; then
  long="ticket_id IS NOT NULL AND run_id IS NOT NULL AND tenant_id IS NOT NULL AND run_id IS NOT NULL"
  for sql in "FROM silver.tickets" "FROM silver.tickets WHERE false" "SELECT $long FROM silver.tickets WHERE wrong AND $long" "SELECT $long, 1 FRO silver.tickets"; do
    narrow 80 "$pqr" sql "$sql"
  done
  # the mark stays under the word, however long the line is
  for columns in 80 60 200; do
    TERM=xterm script -qec "stty cols $columns; '$pqr' sql 'SELECT $long, wrong FROM silver.tickets WHERE $long'" /dev/null </dev/null >shown
    python3 - "$columns" <<'END' || bad "the mark on $columns columns: $(cat shown)"
import sys
lines = [l.rstrip("\r\n") for l in open("shown", encoding="utf-8")]
at = next(i for i, l in enumerate(lines) if set(l.strip()) == {"^"})
first = lines[at].index("^")
assert lines[at - 1][first:first + 5] == "wrong" and lines[at].strip() == "^" * 5, lines
END
  done
  typed 80 "$pqr" sql >shown <<'END' || bad "exit leaves the prompt: $(cat shown)"
wait pqr>
type SELECT 41 + 1 AS answer;\n
wait 42
type exit\n
END
  typed 80 "$pqr" sql >shown <<'END' || bad "QUIT; leaves the prompt: $(cat shown)"
wait pqr>
type QUIT;\n
END
else
  echo "note: no libduckdb here; the prompt was not tried"
fi

# the bar of work that takes more than a second
for columns in 80 46; do
  typed "$columns" "$pqr" run --from 2026-01-01 --to 2026-02-14 --volume 600 --lake "big$columns" >shown <<'END' || bad "a run on a terminal: $(cat shown)"
wait [a-z]+ +\[#*\.*\] +[0-9]+%
END
  [ "$(cut -f1 shown)" -le "$columns" ] || bad "the bar on $columns columns: $(cat shown)"
done

# colours judge, on a terminal, unless they are not wanted
on_terminal() { TERM=${1} script -qec "stty cols 80; '$pqr' quality" /dev/null </dev/null; }
coloured() { grep -q $'\033\\[3[0-9]m'"$1" <<<"$2"; }
coloured PASS "$(on_terminal xterm)" || bad "no colour on a terminal"
coloured '' "$(NO_COLOR=1 on_terminal xterm)" && bad "NO_COLOR was not obeyed"
coloured '' "$(on_terminal dumb)" && bad "colours on a terminal that has none"
coloured '' "$("$pqr" quality)" && bad "colours in a file"
same "$(COLUMNS=40 "$pqr" quality | sha256sum)" "$("$pqr" quality | sha256sum)" "a file, whatever the environment says"

# completion, by the shells themselves
cat >keys <<END
type pqr qual\t
wait pqr quality
type \x15pqr run --until go\t
wait pqr run --until gold
type \x15pqr table cat silver.tick\t
wait pqr table cat silver.tickets
type \x15pqr rejects --reason orp\t
wait pqr rejects --reason orphan
type \x15pqr runs show ${id:0:6}\t
wait $id
type \x15exit\n
END
{ printf '%s\n' 'wait [$#] ' "type PS1='> '; source <(pqr completion bash)\\n" 'wait > $' && cat keys; } >bash.keys
typed 120 bash --norc --noprofile -i <bash.keys >shown || bad "completion in bash: $(cat shown)"
if command -v zsh >/dev/null; then
  { printf '%s\n' 'wait [%#] $' "type PS1='> '; autoload -Uz compinit; compinit -u -D; source <(pqr completion zsh)\\n" 'wait > $' && cat keys; } >zsh.keys
  typed 120 zsh -f -i <zsh.keys >shown || bad "completion in zsh: $(cat shown)"
else
  echo "note: no zsh here; its completion was not tried"
fi
if command -v fish >/dev/null; then
  # shellcheck disable=SC2016 # fish expands it
  offers() { HOME=$work fish --no-config -c 'pqr completion fish | source; complete -C $argv' "$1" | cut -f1; }
  same "$(offers 'pqr qual')" quality "fish: a command"
  same "$(offers 'pqr run --until go')" gold "fish: a value"
  same "$(offers 'pqr table cat silver.tick')" silver.tickets "fish: a table"
  same "$(offers "pqr runs show ${id:0:6}")" "$id" "fish: a run"
else
  echo "note: no fish here; its completion was not tried"
fi
done_testing
