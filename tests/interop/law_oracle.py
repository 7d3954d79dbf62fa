"""The calendar and the legal terms of Colombia a second time, day by day, from the words of the contract and of the law (docs/law.md).

It shares no table and no formula with the program: Easter comes from the ecclesiastical moon as Clavius described it, holidays and
business days from looking at each day, and a due date from walking to it."""

import datetime
import functools

DAY = datetime.timedelta(days=1)
KINDS = ("general", "information", "consultation")


@functools.cache
def easter(year):
    """The Sunday after the paschal full moon: the first full moon (of the tables, day 14 of the moon) on or after 21 March."""
    golden = year % 19 + 1
    century = year // 100 + 1
    dropped_leap_days = 3 * century // 4 - 12
    moon_correction = (8 * century + 5) // 25 - 5
    epact = (11 * golden + 20 + moon_correction - dropped_leap_days) % 30  # age of the moon on 1 January
    if epact == 24 or (epact == 25 and golden > 11):
        epact += 1
    full_moon = datetime.date(year, 3, 1) + DAY * (44 - epact - 1)
    if full_moon < datetime.date(year, 3, 21):
        full_moon += 30 * DAY
    day = full_moon + DAY
    while day.weekday() != 6:
        day += DAY
    return day


def is_holiday(day):
    """Ley 51 de 1983, in force since 1984, and the 9th of July of Ley 2578, since 2026."""
    if day.year < 1984:
        return False
    if (day.month, day.day) in ((1, 1), (5, 1), (7, 20), (8, 7), (12, 8), (12, 25)):
        return True
    if (day - easter(day.year)).days in (-3, -2, 43, 64, 71):
        return True
    if day.weekday() != 0:
        return False
    moved = {(1, 6), (3, 19), (6, 29), (8, 15), (10, 12), (11, 1), (11, 11)} | ({(7, 9)} if day.year >= 2026 else set())
    week = [day - i * DAY for i in range(7)]  # a Monday takes the moved holidays of the six days before it, and its own
    return any((d.month, d.day) in moved for d in week)


@functools.cache
def is_business(day):
    return day.weekday() < 5 and not is_holiday(day)


def business_days_between(a, b):
    """Business days d with a < d <= b."""
    n, day = 0, a + DAY
    while day <= b:
        n += is_business(day)
        day += DAY
    return n


def business_day_after(a, n):
    """The n-th business day after a."""
    while n > 0:
        a += DAY
        n -= is_business(a)
    return a


USUAL = {"general": 15, "information": 10, "consultation": 30}
EMERGENCY = {"general": 30, "information": 20, "consultation": 35}
EMERGENCY_FROM, EMERGENCY_TO = datetime.date(2020, 3, 28), datetime.date(2022, 5, 17)


def term(kind, received):
    """The term of what was received on a day: Decreto 491 de 2020 lengthened it for what came while it was in force and for what was
    in course when it came, that is not yet due."""
    if EMERGENCY_FROM <= received <= EMERGENCY_TO:
        return EMERGENCY[kind]
    if received < EMERGENCY_FROM and business_day_after(received, USUAL[kind]) >= EMERGENCY_FROM:
        return EMERGENCY[kind]
    return USUAL[kind]


RUNS = {"RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "REOPENED"}
STOPS = {"RESPONDED", "CLOSED"}


def clock(path, as_of, local_date):
    """(answered_at, hold_days, microseconds in which the clock ran) of a path of (state, since); as_of ends the last of them.

    The clock runs in START and RUN states and stands in PAUSE and STOP ones. hold_days are the business days of pauses, and of
    stops that a reopening ended; answered_at is when it was last stopped."""
    answered, hold_days, ran = None, 0, 0
    for (state, start), (_, end) in zip(path, path[1:] + [(None, as_of)]):
        if state in STOPS and answered is None:
            answered = start
        if state in RUNS and answered is not None:
            hold_days += business_days_between(local_date(answered), local_date(start))
            answered = None
        if state in RUNS:
            ran += max(0, end - start)
        if state == "ON_HOLD" and end > start:
            hold_days += business_days_between(local_date(start), local_date(end))
    return answered, hold_days, ran
