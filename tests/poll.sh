# tests/poll.sh: sourced by tests that wait for something. No test waits for a time to pass: it waits for what it needs.
# shellcheck shell=bash
# within SECONDS COMMAND...: again until it succeeds; status 1 when it did not in that time, which is generous: it bounds a
# failure, not a wait.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.01
  done
}
# busy PID TICKS: the process has used that many hundredths of a second of processor time
busy() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat "$2"
  [ $((${12} + ${13})) -ge "${*: -1}" ]
}
files_in() { find "$1" -type f 2>/dev/null | wc -l; }
has_files() { [ "$(files_in "$1")" -ge "$2" ]; } # FOLDER COUNT
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; } # PID
