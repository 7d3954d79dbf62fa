"""Business days of Colombia as two lists, which each peer looks up by position. The holidays are those that `pqr calendar` prints."""

import datetime

FIRST = datetime.date(2025, 1, 1)
LAST = datetime.date(2027, 12, 31)
TERM = {"P": 15, "Q": 10, "R": 8, "S": 20}  # business days to answer in
RUNS = ["RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "REOPENED"]  # states in which the seconds of a ticket run
ANSWERED = ["RESPONDED", "CLOSED", "ARCHIVED"]


def business_days(holidays):
    """(nth, due): how many business days there are up to and including the date, one a date from FIRST; the date of the n-th one, due[0] aside."""
    nth, due = [], [FIRST]
    day = FIRST
    while day <= LAST:
        if day.isoweekday() <= 5 and day.isoformat() not in holidays:
            due.append(day)
        nth.append(len(due) - 1)
        day += datetime.timedelta(days=1)
    return nth, due
