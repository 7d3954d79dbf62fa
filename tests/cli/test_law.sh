#!/usr/bin/env bash
# Terms, clock and calendar as a user meets them: tickets by hand, pqr explain, pqr calendar.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

n=0
# event NUMBER TYPE TS DATA: of the ticket with that number
event() {
  n=$((n + 1))
  printf '{"event_id":"%08d-0000-4000-8000-000000000000","ticket_id":"%08d-1111-4111-8111-111111111111","event_type":"%s","ts":"%s","data":%s}\n' \
    "$n" "$1" "$2" "$3" "$4"
}
# ticket NUMBER EXTERNAL_ID CREATED MORE STATE@TS...: a path from RECEIVED on
ticket() {
  local number=$1 from=RECEIVED step
  event "$number" TICKET_CREATED "$3" "{\"external_id\":\"$2\",\"source_channel\":\"email\",\"pqrs_type\":\"P\",\"text\":\"x\"$4}"
  shift 4
  for step; do
    event "$number" STATUS_CHANGED "${step#*@}" "{\"status_from\":\"$from\",\"status_to\":\"${step%%@*}\"}"
    from=${step%%@*}
  done
}
work_on() { printf 'RADICATED@%s:01-05:00 CLASSIFIED@%s:02-05:00 ASSIGNED@%s:03-05:00 IN_PROGRESS@%s:04-05:00' "$1" "$1" "$1" "$1"; }
{
  # shellcheck disable=SC2046 # words on purpose
  {
    # answered in time, closed after the due date
    ticket 1 respclose 2026-03-03T10:00:00-05:00 '' $(work_on 2026-03-03T10:00) RESPONDED@2026-03-20T10:00:00-05:00 CLOSED@2026-04-10T10:00:00-05:00
    # answered, reopened six weeks later, answered at once
    ticket 2 reopen2 2026-03-03T10:00:00-05:00 '' $(work_on 2026-03-03T10:00) RESPONDED@2026-03-10T09:59:59-05:00 CLOSED@2026-03-10T10:00:00-05:00 \
      REOPENED@2026-04-20T10:00:00-05:00 IN_PROGRESS@2026-04-20T11:00:00-05:00 RESPONDED@2026-04-20T12:00:00-05:00 CLOSED@2026-04-20T13:00:00-05:00
    # under Decreto 491 de 2020, and in course when it came
    ticket 3 covid 2020-04-15T10:00:00-05:00 '' $(work_on 2020-04-15T10:00) RESPONDED@2020-05-20T09:59:59-05:00 CLOSED@2020-05-20T10:00:00-05:00
    ticket 4 course 2020-03-06T10:00:00-05:00 '' $(work_on 2020-03-06T10:00)
    ticket 5 before 2020-03-05T10:00:00-05:00 '' $(work_on 2020-03-05T10:00)
    ticket 6 papers 2026-03-03T10:00:00-05:00 ',"request_kind":"information"' $(work_on 2026-03-03T10:00)
    ticket 7 opinion 2026-03-03T10:00:00-05:00 ',"request_kind":"consultation"' $(work_on 2026-03-03T10:00)
    ticket 8 waiting 2026-03-03T10:00:00-05:00 ''
    ticket 9 "it's twice" 2026-03-03T10:00:00-05:00 ''
    ticket 10 "it's twice" 2026-03-03T10:00:00-05:00 ''
  }
} >in.jsonl
expect 0 SUCCESS "$pqr" run --input in.jsonl --as-of 2026-04-30
row() { "$pqr" table cat silver.tickets --where "external_id = $1" --columns sla_business_days,hold_days,sla_due_at,answered_at,sla_status --format csv | sed -n 2p | tr -d '\r'; }
same "$(row respclose)" 15,0,2026-03-26T04:59:59.999999Z,2026-03-20T15:00:00.000000Z,IN_TIME respclose
same "$(row reopen2)" 15,26,2026-05-06T04:59:59.999999Z,2026-04-20T17:00:00.000000Z,IN_TIME reopen2
same "$(row covid)" 30,0,2020-05-30T04:59:59.999999Z,2020-05-20T14:59:59.000000Z,IN_TIME covid
same "$(row course | cut -d, -f1)" 30 'a petition in course'
same "$(row before | cut -d, -f1)" 15 'a petition due the day before'
same "$(row papers | cut -d, -f1) $(row opinion | cut -d, -f1)" '10 30' 'kinds of request'
same "$(sqlite3 lake/control.db "SELECT sla_days_elapsed FROM gold_sla_metrics WHERE ticket_id LIKE '00000002-%'")" 5 'business days that reopen2 ran'
same "$(sqlite3 lake/control.db 'SELECT sum(overdue_count), sum(closed_count) FROM gold_kpi_sla_daily')" '0|3' 'closed tickets, none of them late'

# explain: by number and by id, text and JSON
expect 0 '^  due +Tue 2026-05-05, business day 41 after reception$' "$pqr" explain reopen2
expect 0 '^  verdict +IN_TIME, 5 business days used of 15$' "$pqr" explain 00000002-1111-4111-8111-111111111111
expect 0 '^Wed 2026-03-11          stop: answered 2026-03-10, reopened 2026-04-20$' "$pqr" explain reopen2
expect 0 '^Mon 2026-03-23          holiday: San José$' "$pqr" explain respclose
expect 0 'Decreto 491 de 2020, art. 5' "$pqr" explain covid
expect 0 'information request' "$pqr" explain papers
expect 0 'not radicated: no clock runs' "$pqr" explain waiting
expect 1 'no ticket nobody' "$pqr" explain nobody
expect 2 "several tickets have the number it's twice: name one by its id" "$pqr" explain "it's twice"
expect 2 'expected TICKET' "$pqr" explain
same "$("$pqr" explain reopen2 --json | jq -c '[.hold_days, .due, (.days | map(select(.why == "counted")) | length), (.days | map(select(.why == "stop")) | length), .stands]')" \
  '[26,"2026-05-05",15,26,[{"why":"stop","from":"2026-03-10","to":"2026-04-20"}]]' 'explain --json'
for x in reopen2 respclose covid course waiting; do
  long=$("$pqr" explain "$x" | LC_ALL=C.UTF-8 awk 'length($0) > 80')
  [ -z "$long" ] || bad "explain $x: over 80 columns: $long"
done
# A later run of the history: the newest row is explained, with the as_of of its run.
ticket 11 later 2026-05-04T10:00:00-05:00 '' >more.jsonl
expect 0 SUCCESS "$pqr" run --input more.jsonl --as-of 2026-05-10
same "$("$pqr" explain course --json | jq -r '.as_of')" 2026-05-11T04:59:59.999999Z 'as_of of the newest run'

# What is configured wins over the law, and the state machine decides what stops the clock.
expect 0 SUCCESS env PQR_SLA_BUSINESS_DAYS_P=7 "$pqr" run --input in.jsonl --as-of 2026-04-30 --lake configured
expect 0 '^  term +7 business days: configured$' "$pqr" explain covid --lake configured
sed -e 's/\(RESPONDED.*sla: \)STOP/\1RUN/' -e '$a\  - [RECEIVED, CLOSED]' "$root/config/pqrs_status_v1.yaml" >status.yaml
ticket 12 straight 2026-03-02T09:00:00-05:00 '' CLOSED@2026-03-03T09:00:00-05:00 >straight.jsonl
expect 0 SUCCESS env PQR_SLA_STATUS_FILE=status.yaml "$pqr" run --input in.jsonl --input straight.jsonl --as-of 2026-04-30 --lake machine
expect 0 '^  verdict +LATE' "$pqr" explain respclose --lake machine
same "$(sqlite3 machine/control.db "SELECT sla_status, tickets_count FROM gold_sla_daily WHERE day = '2026-03-03'")" 'NOT_STARTED|1' 'closed without a term'

# calendar
expect 0 '^2026: 19 days of holiday, 242 business days$' "$pqr" calendar 2026
expect 0 '^Mon 2026-07-13  9 de julio' "$pqr" calendar 2026
expect 0 '^Mon 2025-06-30  San Pedro y San Pablo, Sagrado Corazón de Jesús$' "$pqr" calendar 2025
same "$("$pqr" calendar 2025 --json | jq '.holidays | map(.names[]) | length')" 18 'holidays of 2025'
same "$("$pqr" calendar 2025 --json | jq '.business_days | add')" "$("$pqr" calendar 2025 | sed -nE '1s/.*, ([0-9]+) business days/\1/p')" 'business days of 2025'
printf '2026-01-02\n' >own.txt
expect 0 '^Fri 2026-01-02  holiday$' env PQR_CALENDAR_HOLIDAYS=own.txt "$pqr" calendar 2026
expect 2 "expected a year from 1900 to 2199, found '26'" "$pqr" calendar 26
expect 2 "found 'next'" "$pqr" calendar next
done_testing
