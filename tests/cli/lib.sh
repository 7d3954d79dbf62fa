# tests/cli/lib.sh: sourced by the end-to-end tests. Each runs in a folder of its own that is removed at the end.
# shellcheck shell=bash
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../poll.sh
. "$root/tests/poll.sh"
pqr=${PQR:-${PQR_BUILD:-$root/build}/pqr}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fails=0

bad() { printf 'FAILED: %s\n' "$*"; fails=$((fails + 1)); }
done_testing() { [ "$fails" -eq 0 ] || { printf '%d checks failed\n' "$fails"; exit 1; }; }

# expect STATUS PATTERN command...: exit status and, in its output, an extended regular expression
expect() {
  local want=$1 pattern=$2 out code
  shift 2
  out=$("$@" 2>&1 </dev/null)
  code=$?
  [ "$code" -eq "$want" ] || bad "$*: exit $code, expected $want: $(tail -n 3 <<<"$out")"
  grep -qE -- "$pattern" <<<"$out" || bad "$*: no /$pattern/ in: $(tail -n 5 <<<"$out")"
}
same() { [ "$1" = "$2" ] || bad "$3: '$1' is not '$2'"; }
field() { jq -r "$1"; }

# One hash over names and contents of all data files of a lake (control database and table logs have wall-clock times).
lake_hash() { (cd "$1" && find raw bronze silver gold rejects manifests -name _delta_log -prune -o -type f -print 2>/dev/null | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1); }
temporary_files() { find "$1" -name '.tmp-*' | wc -l; }
# Six weeks of few tickets, without the spike: what most tests use.
export PQR_SIMULATION_SPIKE_ENABLED=false
small=(--from 2026-01-01 --to 2026-02-14 --volume 100)
