"""The PQRS contracts, computed a second time in plain Python: raw lines -> bronze -> silver -> gold.

Written from the contracts (contracts/pqrs/v2/contract.md, docs/kpis.md, config/*.yaml), not from the C. Instants are
microseconds since 1970 UTC, local dates those of America/Bogota (UTC-5 without daylight saving in the years used here),
decimals exact. A row is a dict by column name.
"""

import collections
import datetime
import fractions
import json
import pathlib
import re
import unicodedata
from decimal import Decimal

import law_oracle
from law_oracle import business_day_after, business_days_between

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY_US = 86_400_000_000
OFFSET_US = -5 * 3_600_000_000
EPOCH = datetime.date(1970, 1, 1)
LINE_BYTES_MAX = 16 << 20

# ---- time ---------------------------------------------------------------------------------------------------------

def local_date(us):
    return EPOCH + datetime.timedelta(days=(us + OFFSET_US) // DAY_US)


def utc_date(us):
    return EPOCH + datetime.timedelta(days=us // DAY_US)


def local_day_end(day):
    return (day - EPOCH).days * DAY_US - OFFSET_US + DAY_US - 1


def month_of(day):
    return day.strftime("%Y-%m")


RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)
OLDEST_US = (datetime.date(2000, 1, 1) - EPOCH).days * DAY_US


def parse_time(text):
    """Microseconds, or None for what is no RFC 3339 time."""
    m = RFC3339.fullmatch(text)
    if m is None:
        return None
    year, month, day, hour, minute, second = (int(m[i]) for i in range(1, 7))
    try:
        days = (datetime.date(year, month, day) - EPOCH).days
    except ValueError:
        return None
    offset = 0
    if m[8]:
        if int(m[9]) > 23 or int(m[10]) > 59:
            return None
        offset = (int(m[9]) * 60 + int(m[10])) * (1 if m[8] == "+" else -1)
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((m[7] or "0").ljust(9, "0")[:6])
    return days * DAY_US + ((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction


# ---- hash ---------------------------------------------------------------------------------------------------------

P1, P2, P3, P4, P5 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
M64 = (1 << 64) - 1


def rotl(v, n):
    return ((v << n) | (v >> (64 - n))) & M64


def xxh64(data):
    """XXH64 with seed 0, after the algorithm's description (xxHash/doc/xxhash_spec.md)."""

    def step(acc, lane):
        return rotl((acc + lane * P2) & M64, 31) * P1 & M64

    at, n = 0, len(data)
    if n >= 32:
        acc = [(P1 + P2) & M64, P2, 0, -P1 & M64]
        while n - at >= 32:
            for i in range(4):
                acc[i] = step(acc[i], int.from_bytes(data[at : at + 8], "little"))
                at += 8
        h = sum(rotl(a, r) for a, r in zip(acc, (1, 7, 12, 18))) & M64
        for a in acc:
            h = ((h ^ step(0, a)) * P1 + P4) & M64
    else:
        h = P5
    h = (h + n) & M64
    while n - at >= 8:
        h = (rotl(h ^ step(0, int.from_bytes(data[at : at + 8], "little")), 27) * P1 + P4) & M64
        at += 8
    if n - at >= 4:
        h = (rotl(h ^ (int.from_bytes(data[at : at + 4], "little") * P1 & M64), 23) * P2 + P3) & M64
        at += 4
    while at < n:
        h = rotl(h ^ (data[at] * P5 & M64), 11) * P1 & M64
        at += 1
    h = (h ^ (h >> 33)) * P2 & M64
    h = (h ^ (h >> 29)) * P3 & M64
    return h ^ (h >> 32)


BUCKETS = {}


def ticket_bucket(ticket_id):
    if ticket_id not in BUCKETS:
        BUCKETS[ticket_id] = xxh64(ticket_id.encode()) >> 56
    return BUCKETS[ticket_id]


# ---- raw -> bronze ------------------------------------------------------------------------------------------------

CHANNELS = ("email", "webform", "chat", "call", "other_digital")
TYPES = ("P", "Q", "R", "S")
PRIORITIES = ("alta", "media", "baja")
# member: (type, required, values)
DATA = {
    "TICKET_CREATED": {
        "external_id": ("string", True, None),
        "source_channel": ("string", True, CHANNELS),
        "pqrs_type": ("string", False, TYPES),
        "priority": ("string", False, PRIORITIES),
        **{k: ("string", False, None) for k in ("geo_region", "geo_municipio", "dane_city_code", "subject", "text")},
        "text_len": ("int32", False, None),
        "sla_business_days": ("int32", False, None),
        "radicated_at": ("timestamp", False, None),
        "sla_due_at": ("timestamp", False, None),
        "closed_at": ("timestamp", False, None),
        "topic_preclassified": ("string", False, None),
        "preclassifier": ("any", False, None),
        "request_kind": ("string", False, law_oracle.KINDS),
    },
    "MESSAGE_ADDED": {
        "role": ("string", True, ("citizen", "agent")),
        "text": ("string", True, None),
        "text_len": ("int32", False, None),
        "subject": ("string", False, None),
        "message_id": ("string", False, None),
    },
    "STATUS_CHANGED": {
        "status_from": ("string", True, None),
        "status_to": ("string", True, None),
        "actor_role": ("string", False, ("system", "agent")),
        "reason": ("string", False, None),
    },
    "ATTACHMENT_ADDED": {
        "file_type": ("string", True, None),
        "size_kb": ("size", True, None),
        "file_name": ("string", False, None),
        "source_channel": ("string", False, CHANNELS),
    },
}
CONTENT = ["event_id", "ticket_id", "event_type", "ts"]
CONTENT += list(dict.fromkeys(name for members in DATA.values() for name in members))
CONTENT += ["schema_version", "tenant_id", "extra"]
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class Reject(Exception):
    pass


def parse_tolerant(text):
    """A time whose offset may be -0500 or -05, or missing: then it is local."""
    if m := re.fullmatch(r"(.{19,}?[+-]\d\d)(\d\d)?", text, re.ASCII):
        text = text if parse_time(text) is not None else f"{m[1]}:{m[2] or '00'}"
    us = parse_time(text)
    if us is None and (us := parse_time(text + "Z")) is not None:
        us -= OFFSET_US
    return us


def plain_word(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def nan(_):
    raise ValueError("no JSON number")


def value_of(name, value, kind, allowed=None):
    """A member's value as its column's, or Reject."""
    if kind == "any":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if kind in ("int32", "size"):
        good = isinstance(value, int) and not isinstance(value, bool)
        good = good and (0 <= value < 1 << 63 if kind == "size" else -(1 << 31) <= value < 1 << 31)
        if not good:
            raise Reject(f"bad_type:{name}")
        return value
    whole = isinstance(value, int) or (isinstance(value, float) and value < 1 << 63 and value == int(value))
    if name in ("external_id", "dane_city_code") and whole and not isinstance(value, bool) and value >= 0:
        return str(int(value))
    if not isinstance(value, str):
        raise Reject(f"bad_type:{name}")
    if kind == "uuid":
        if not UUID.fullmatch(value):
            raise Reject(f"bad_uuid:{name}")
        return value.lower()
    if kind == "timestamp":
        us = parse_tolerant(value)
        if us is None or (name == "ts" and us < OLDEST_US):
            raise Reject("bad_timestamp")
        return us
    if allowed and value not in allowed:
        for word in allowed:
            if plain_word(word) == plain_word(value):
                return word
        raise Reject(f"bad_enum:{name}")
    return value


def parse_line(line):
    """One raw line (bytes without its end) as bronze columns; Reject with the reason. Of several faults the first counts:
    the line as such, the envelope in the contract's order, then the members of data in the contract's order."""
    if len(line) > LINE_BYTES_MAX:
        raise Reject("too_long")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Reject("invalid_utf8") from None
    try:
        event = json.loads(text, parse_constant=nan)
    except ValueError:
        raise Reject("not_json") from None
    if not isinstance(event, dict):
        raise Reject("not_object")
    row = dict.fromkeys(CONTENT)
    for name, kind, required in (("event_id", "uuid", True), ("ticket_id", "uuid", True), ("event_type", "string", True), ("ts", "timestamp", True),
                                 ("data", "object", True), ("schema_version", "string", False), ("tenant_id", "string", False)):  # fmt: skip
        value = event.get(name)
        if value is None:
            if required:
                raise Reject(f"missing:{name}")
        elif kind == "object":
            if not isinstance(value, dict):
                raise Reject(f"bad_type:{name}")
        else:
            row[name] = value_of(name, value, kind, DATA if name == "event_type" else None)
    members = DATA[row["event_type"]]
    for name, (kind, required, allowed) in members.items():
        value = event["data"].get(name)
        if value is not None:
            row[name] = value_of(name, value, kind, allowed)
        elif required:
            raise Reject(f"missing:{name}")
    known = ("event_id", "ticket_id", "event_type", "ts", "data", "schema_version", "tenant_id")
    extra = {k: v for k, v in event.items() if k not in known and v is not None}
    inner = {k: v for k, v in event["data"].items() if k not in members and v is not None}
    row["extra"] = extra | ({"data": inner} if inner else {}) or None
    return row


def content_of(row):
    return json.dumps([row[c] for c in CONTENT if c not in ("schema_version", "extra")], sort_keys=True)


def bronze_of_object(key, data):
    """Rows, rejects and the number of duplicates of one raw object."""
    rows, rejects, duplicates, seen, offset = [], [], 0, {}, 0
    source, day = re.search(r"source=([^/]*)/day=([^/]*)/", key).groups()
    for number, raw in enumerate(data.split(b"\n"), 1):
        start, offset = offset, offset + len(raw) + 1
        line = raw[:-1] if raw.endswith(b"\r") else raw
        while line.startswith(b"\xef\xbb\xbf"):
            line = line[3:]
        if not line.strip(b" \t\r"):
            continue
        try:
            row = parse_line(line)
            content = content_of(row)
            first = seen.setdefault(row["event_id"], (number, content))
            if first[1] != content:
                raise Reject("conflicting_duplicate")
        except Reject as e:
            rejects.append({"object": key, "line": number, "offset": start, "reason": str(e), "raw": raw})
            continue
        if first[0] != number:
            duplicates += 1
            continue
        row |= {"raw_object": key, "raw_line": number, "ticket_bucket": ticket_bucket(row["ticket_id"]), "source": source, "day": utc_date(row["ts"]), "month": day[:7]}
        assert str(utc_date(row["ts"])) == day, f"{key} line {number} is of another day"
        rows.append(row)
    return rows, rejects, duplicates


# ---- classification -----------------------------------------------------------------------------------------------


def rules_of(path):
    """Keywords by class: {"types": {"P": {...}}, "priorities": {...}} of the rules file; no YAML library is needed for it."""
    rules, section = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if m := re.fullmatch(r"(\w+):", line):
            section = rules.setdefault(m[1], {})
        elif m := re.fullmatch(r"  (\w+): \[(.*)\]", line):
            section[m[1]] = {word.strip() for word in m[2].split(",")}
        elif m := re.fullmatch(r"version: (\w+)", line):
            rules["version"] = m[1]
    return rules


RULES = rules_of(ROOT / "config/pqrs_preclass_rules_v1.yaml")
AMOUNT = re.compile(r"\$ ?[0-9]+(?:[.,][0-9]+)*")


def words_of(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def classify(subject, text):
    """(type, priority, score, hits by type, hits by priority, keywords)"""
    words = words_of(subject or "") + words_of(text or "")
    types = {c: sum(w in RULES["types"][c] for w in words) for c in TYPES}
    priorities = {c: sum(w in RULES["priorities"][c] for w in words) for c in PRIORITIES}
    best = max(TYPES, key=lambda c: types[c])  # max keeps the first of equals
    priority = max(PRIORITIES, key=lambda c: priorities[c]) if any(priorities.values()) else "media"
    total = sum(types.values())
    score = decimal_of(fractions.Fraction(types[best], total), 4) if total else Decimal("0.0000")
    known = set().union(*RULES["types"].values(), *RULES["priorities"].values())
    return best, priority, score, types, priorities, set(words) & known


def decimal_of(exact, digits):
    """A fraction as decimal, half away from zero."""
    scaled = abs(exact) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if exact >= 0 else -whole).scaleb(-digits)


# ---- bronze -> silver ---------------------------------------------------------------------------------------------

TRANSITIONS = {
    ("RECEIVED", "RADICATED"), ("RADICATED", "CLASSIFIED"), ("CLASSIFIED", "ASSIGNED"), ("ASSIGNED", "IN_PROGRESS"),
    ("IN_PROGRESS", "RESPONDED"), ("IN_PROGRESS", "ON_HOLD"), ("ON_HOLD", "IN_PROGRESS"), ("RESPONDED", "CLOSED"),
    ("CLOSED", "ARCHIVED"), ("CLOSED", "REOPENED"), ("REOPENED", "IN_PROGRESS"),
}  # fmt: skip
CLOCK_SKEW_US = DAY_US


def month_at(us):
    return month_of(local_date(us))


def places():
    text = (ROOT / "config/geo_colombia_v1.csv").read_text(encoding="utf-8").splitlines()
    header = text[0].split(";")
    return {row["dane_city_code"]: row for row in (dict(zip(header, line.split(";"))) for line in text[1:])}


def folded(name):
    return "".join(words_of(name or ""))


def place_of(code, region, city, geo):
    """Department, city and code of a ticket from what its creation says of them; an empty text says nothing."""
    region, city = region or None, city or None
    if code in geo:
        row = geo[code]
        return row["department_name"], row["city_name"], code

    if (code, region, city) not in PLACE_MEMO:
        PLACE_MEMO[code, region, city] = place_by_name(code, region, city, geo)
    return PLACE_MEMO[code, region, city]


PLACE_MEMO = {}


def place_by_name(code, region, city, geo):
    if not folded(region) and not folded(city):
        return region, city, code

    def names(row, kind):
        other = "|".join(r["other_department_names"] for r in geo.values() if r["department_name"] == row["department_name"]) if kind == "department" else row["other_city_names"]
        return [folded(n) for n in (row[kind + "_name"], *other.split("|")) if n]

    of_region = [r for r in geo.values() if folded(region) in names(r, "department")] if folded(region) else list(geo.values())
    found = [r for r in of_region if folded(city) in names(r, "city")] if folded(city) else of_region
    official = [r for r in found if folded(city) == folded(r["city_name"]) and folded(region) in ("", folded(r["department_name"]))]
    found = official or found
    if len(found) == 1:
        return found[0]["department_name"], found[0]["city_name"], found[0]["dane_city_code"]
    departments = {r["department_name"] for r in of_region}
    own = {d for d in departments if folded(d) == folded(region)}
    departments = own or departments
    return next(iter(departments)) if folded(region) and len(departments) == 1 else region, city, code


def all_follow(state, changes):
    """Can all changes that the state machine allows be taken, one after the other, from a state? By trying."""
    allowed = [c for c in changes if c in TRANSITIONS]
    return not allowed or any(all_follow(c[1], [*allowed[:i], *allowed[i + 1 :]]) for i, c in enumerate(allowed) if c[0] == state and c not in allowed[:i])


def order_of_instant(events, state):
    """One ticket's events of one instant, sorted by event_id, in the order in which it takes them."""

    def change(e):
        return e["status_from"], e["status_to"]

    order = [e for e in events if e["event_type"] != "STATUS_CHANGED"]
    left = [e for e in events if e["event_type"] == "STATUS_CHANGED"]
    while fitting := [e for e in left if e["status_from"] == state and change(e) in TRANSITIONS]:

        def rank(e):
            others = [change(o) for o in left if o is not e]
            return 2 if all_follow(e["status_to"], others) else 1 if any(o[0] == e["status_to"] for o in others) else 0

        best = max(fitting, key=rank)  # max keeps the first of equals
        left.remove(best)
        order.append(best)
        state = best["status_to"]
    return order + left


def fold_ticket(events, as_of, geo, out, terms):
    """All bronze rows of one ticket; appends rows to the tables of out. terms: by pqrs_type; None: those of the law."""

    def quarantine(e, reason):
        row = {k: e[k] for k in ("event_id", "ticket_id", "event_type", "ts", "status_from", "status_to", "raw_object", "raw_line")}
        out["quarantine"].append(row | {"reason": reason, "month": month_at(e["ts"])})

    kept, stands = [], {}
    for e in sorted(events, key=lambda e: (e["ts"], e["raw_object"], e["raw_line"])):
        content = content_of(e)
        if stands.setdefault(e["event_id"], content) is content:
            kept.append(e)
        elif stands[e["event_id"]] != content:
            quarantine(e, "conflicting_duplicate")
        else:
            out["duplicates"] += 1
    creations = sorted((e for e in kept if e["event_type"] == "TICKET_CREATED"), key=lambda e: (e["ts"], e["event_id"]))
    if not creations:
        for e in kept:
            quarantine(e, "orphan")
        return
    created = creations[0]
    for e in creations[1:]:
        quarantine(e, "duplicate_creation")
    state, path, messages, attachments, last = "RECEIVED", [("RECEIVED", created["ts"])], [], [], created["ts"]
    others, early = [e for e in kept if e["event_type"] != "TICKET_CREATED"], created["ts"] - CLOCK_SKEW_US
    for e in (e for e in others if e["ts"] < early):
        quarantine(e, "out_of_order")
    waiting = collections.deque(sorted((e for e in others if e["ts"] >= early), key=lambda e: (e["ts"], e["event_id"])))
    instant = []
    while waiting or instant:
        if not instant:
            instant = order_of_instant([e for e in waiting if e["ts"] == waiting[0]["ts"]], state)
            for _ in instant:
                waiting.popleft()
        e = instant.pop(0)
        common = {"ticket_id": e["ticket_id"], "ts": e["ts"], "month": month_at(e["ts"])}
        if e["event_type"] == "STATUS_CHANGED":
            if e["status_from"] != state or (e["status_from"], e["status_to"]) not in TRANSITIONS:
                quarantine(e, "invalid_transition")
                continue
            state = e["status_to"]
            path.append((state, e["ts"]))
            out["status_events"].append(common | {k: e[k] for k in ("event_id", "status_from", "status_to", "actor_role", "reason")})
        elif e["event_type"] == "MESSAGE_ADDED":
            messages.append(e)
            out["messages"].append(common | {"message_id": e["message_id"] or e["event_id"], "role": e["role"], "text": e["text"], "text_len": len(e["text"])})
        else:
            attachments.append(e)
            out["attachments"].append(common | {"attachment_id": e["event_id"]} | {k: e[k] for k in ("file_type", "size_kb", "file_name", "source_channel")})
        last = max(last, e["ts"])
    predicted = classify(created["subject"], created["text"])
    out["preclassification"].append({"ticket_id": created["ticket_id"], "created_at": created["ts"], "month": month_at(created["ts"]), "predicted": predicted,
                                     "text": ((created["subject"] or ""), (created["text"] or ""))})  # fmt: skip
    out["tickets"].append(ticket_row(created, path, messages, attachments, last, predicted, as_of, geo, terms))


def ticket_row(created, path, messages, attachments, last, predicted, as_of, geo, terms):
    state = path[-1][0]
    kind = created["pqrs_type"] or predicted[0]

    def times(name):
        return [ts for s, ts in path if s == name]

    radicated = next(iter(times("RADICATED")), None)
    closed = times("CLOSED")[-1] if state in ("CLOSED", "ARCHIVED") else None
    answered, hold_days, elapsed = law_oracle.clock(path, as_of, local_date)
    received = local_date(created["ts"] if radicated is None else radicated)
    term = terms[kind] if terms else law_oracle.term(created["request_kind"] or "general", received)
    due = status = risk = None
    status = "NOT_STARTED"
    if radicated is not None:
        due = local_day_end(business_day_after(local_date(radicated), term + hold_days))
        status = "IN_TIME" if (as_of if answered is None else answered) <= due else "LATE"
    if answered is None:
        near = due is not None and business_days_between(local_date(as_of), local_date(due)) <= 2
        risk = "OVERDUE" if status == "LATE" else "AT_RISK" if near else "HEALTHY"
    code = created["dane_city_code"]
    code = code.zfill(5) if code and re.fullmatch("[0-9]{1,5}", code) else None
    department, city, code = place_of(code, created["geo_region"], created["geo_municipio"], geo)
    return {
        "ticket_id": created["ticket_id"], "external_id": created["external_id"], "source_channel": created["source_channel"],
        "pqrs_type": kind, "priority": created["priority"] or predicted[1], "created_at": created["ts"], "radicated_at": radicated,
        "first_response_at": next((m["ts"] for m in messages if m["role"] == "agent"), None), "responded_at": (times("RESPONDED") or [None])[-1],
        "answered_at": answered, "closed_at": closed, "archived_at": times("ARCHIVED")[-1] if state == "ARCHIVED" else None, "current_status": state,
        "department_name": department, "city_name": city, "dane_city_code": code, "sla_business_days": term,
        "sla_due_at": due, "sla_elapsed_seconds": elapsed // 1_000_000, "hold_days": hold_days, "sla_status": status, "sla_risk": risk,
        "reopened_count": len(times("REOPENED")), "message_count": len(messages), "attachment_count": len(attachments),
        "tenant_id": created["tenant_id"], "last_update_ts": last, "month": month_at(created["ts"]),
    }  # fmt: skip


def silver_of(bronze, as_of, terms=None):
    out = {k: [] for k in ("tickets", "messages", "status_events", "attachments", "preclassification", "quarantine")} | {"duplicates": 0}
    by_ticket, geo = collections.defaultdict(list), places()
    for row in bronze:
        by_ticket[row["ticket_id"]].append(row)
    for events in by_ticket.values():
        fold_ticket(events, as_of, geo, out, terms)
    return out


# ---- silver -> gold -----------------------------------------------------------------------------------------------


def days_between(first, last):
    return [first + datetime.timedelta(days=i) for i in range((last - first).days + 1)]


def gold_of(tickets, predictions, as_of):
    """The fourteen tables, from rows of silver.tickets and silver.preclassification."""
    facts = []
    for t in tickets:
        department = "unknown" if t["department_name"] is None else t["department_name"]
        facts.append(t | {
            "day": local_date(t["created_at"]), "closing": None if t["closed_at"] is None else local_date(t["closed_at"]), "channel": t["source_channel"],
            "region": department, "region_name": department, "department_name": department,
            "dane_city_code": "00000" if t["dane_city_code"] is None else t["dane_city_code"], "tenant_id": "default" if t["tenant_id"] is None else t["tenant_id"],
        })  # fmt: skip
    days = days_between(min(f["day"] for f in facts), local_date(as_of))
    geo = ("region_name", "department_name", "dane_city_code")
    gold = {
        "kpi_volume_daily": counts(facts, ("day", "channel", "pqrs_type")),
        "kpi_volume_geo_daily": counts(facts, ("day", "channel", "pqrs_type", *geo)),
        "kpi_backlog_daily": backlog(facts, ("pqrs_type", "region"), days),
        "kpi_backlog_geo_daily": backlog(facts, ("pqrs_type", *geo), days),
        "kpi_sla_daily": sla(facts, ("pqrs_type",)),
        "kpi_sla_geo_daily": sla(facts, ("pqrs_type", *geo)),
        "kpi_volume_national_daily": series(facts, ("pqrs_type", "channel"), days),
        "kpi_volume_dept_daily": series(facts, ("department_name", "pqrs_type", "channel"), days),
        "daily_kpis": daily_kpis(facts),
        "sla_daily": counts([f | {"day": f["closing"]} for f in facts if f["closing"]], ("day", "sla_status")),
        "priority_distribution": counts(facts, ("day", "priority")),
        "pqrs_metrics": metrics(predictions),
    }
    for table, key in ((t, "date" if t == "pqrs_metrics" else "day") for t in list(gold)):
        for row in gold[table]:
            row["month"] = month_of(row[key])
    per_ticket = [snapshot(f, as_of) for f in facts]
    gold["tickets_snapshot"] = per_ticket
    gold["sla_metrics"] = [{k: r[k] for k in ("ticket_id", "sla_days_target", "sla_days_elapsed", "sla_status", "month")} for r in per_ticket]
    return gold


def grouped(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row[k] for k in key)].append(row)
    return groups


def counts(facts, key):
    return [dict(zip(key, k)) | {"tickets_count": len(g)} for k, g in grouped(facts, key).items()]


def backlog(facts, key, days):
    rows = []
    for k, group in grouped(facts, key).items():
        change = collections.Counter(f["day"] for f in group)
        change.subtract(f["closing"] for f in group if f["closing"])
        n = 0
        for day in days:
            n += change[day]
            if n:
                rows.append(dict(zip(key, k)) | {"day": day, "backlog_count": n})
    return rows


def sla(facts, key):
    rows = []
    for k, group in grouped([f | {"day": f["closing"]} for f in facts if f["closing"]], ("day", *key)).items():
        late = [f["answered_at"] - f["sla_due_at"] for f in group if f["sla_status"] == "LATE"]
        rows.append(dict(zip(("day", *key), k)) | {
            "closed_count": len(group), "overdue_count": len(late),
            "within_sla_pct": decimal_of(fractions.Fraction(100 * (len(group) - len(late)), len(group)), 2),
            "avg_overdue_days": decimal_of(fractions.Fraction(sum(late), len(late) * DAY_US) if late else fractions.Fraction(0), 2),
        })  # fmt: skip
    return rows


def change_pct(n, base):
    """A change over the largest decimal(9,2) is stored as that (docs/kpis.md)."""
    return min(decimal_of(fractions.Fraction(100 * (n - base), base), 2), Decimal("9999999.99")) if base else Decimal("0.00")


def series(facts, key, days):
    rows = []
    for k, group in grouped(facts, key).items():
        count = collections.Counter(f["day"] for f in group)
        if not any(count[d] for d in days):
            continue
        for i, day in enumerate(days):
            window = days[max(0, i - 6) : i + 1]
            rows.append(dict(zip(key, k)) | {
                "day": day, "tickets_count": count[day],
                "tickets_mavg_7d": decimal_of(fractions.Fraction(sum(count[d] for d in window), len(window)), 2),
                "pct_vs_prev_day": change_pct(count[day], count[days[i - 1]] if i >= 1 else 0),
                "pct_vs_prev_week": change_pct(count[day], count[days[i - 7]] if i >= 7 else 0),
            })  # fmt: skip
    return rows


def daily_kpis(facts):
    rows, weight = [], {"baja": 1, "media": 2, "alta": 3}
    for k, group in grouped(facts, ("day", "tenant_id")).items():
        n = len(group)
        kinds = collections.Counter(f["pqrs_type"] for f in group)
        rows.append(dict(zip(("day", "tenant_id"), k)) | {
            "total_tickets": n, "petitions": kinds["P"], "complaints": kinds["Q"], "claims": kinds["R"], "suggestions": kinds["S"],
            "avg_priority": decimal_of(fractions.Fraction(sum(weight[f["priority"]] for f in group), n), 3),
            "high_priority_ratio": decimal_of(fractions.Fraction(sum(f["priority"] == "alta" for f in group), n), 4),
            "sla_breach_ratio": decimal_of(fractions.Fraction(sum(f["sla_status"] == "LATE" for f in group), n), 4),
        })  # fmt: skip
    return rows


def metrics(predictions):
    rows = []
    named = [{"date": local_date(p["created_at"]), "type": p["predicted_type"], "priority": p["predicted_priority"], "score": p["score"]} for p in predictions]
    for k, group in grouped(named, ("date", "type", "priority")).items():
        mean = sum(fractions.Fraction(p["score"]) for p in group) / len(group)
        rows.append(dict(zip(("date", "type", "priority"), k)) | {"count": len(group), "avg_score": decimal_of(mean, 4)})
    return rows


def snapshot(f, as_of):
    elapsed = 0
    if f["radicated_at"] is not None:
        end = as_of if f["answered_at"] is None else f["answered_at"]
        elapsed = business_days_between(local_date(f["radicated_at"]), local_date(end)) - f["hold_days"]
    return {"ticket_id": f["ticket_id"], "current_status": f["current_status"], "last_update_ts": f["last_update_ts"], "sla_days_target": f["sla_business_days"],
            "sla_days_elapsed": elapsed, "sla_status": f["sla_status"], "month": month_of(f["day"])}  # fmt: skip
