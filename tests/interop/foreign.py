"""Event files as other systems might write them: right, wrong, repeated, late, in any time zone. Deterministic."""

import datetime
import json
import random
import uuid

import law_oracle
import oracle

UTC = datetime.timezone.utc
TEXTS = [
    ("Petición de información", "Solicito copia del certificado N.º RAD-2025-001234 del 3/10/2025; pagué $1.250.000 y escribí a ana@ejemplo.com.co"),
    ("QUEJA por demora", "¡Inaceptable! La demora y el MALTRATO son pésimos, atención grosera… Urgente"),
    ("Reclamo de factura", "Cobro indebido: me cobraron $ 45.300,50 de más. Exijo devolución y ajuste, con plazo."),
    ("Sugerencia", "Propongo mejorar la atención; podrían abrir antes. Gracias, sin afán."),
    ("Queja y reclamo", "queja reclamo"),
    ("", "😀 ñandú — sin palabras clave. e\u0301rror combinado: e\u0301xito"),
    ("Línea uno\nlínea dos", 'comillas "dobles", barra \\ y tabulador\t; nulo no'),
]
PLACES = [("Antioquia", "Medellín", "05001"), ("Antioquia", "Medellin", "5001"), ("Bogotá D.C.", "Bogotá", "11001"), ("Mordor", "Barad-dûr", "99999"),
          ("Solo región", None, None), (None, None, None), (None, "Sin código", "no sé"), (None, None, "1234567"), ("Meta", None, "50001"),
          ("BOGOTA", None, None), ("Cundinamarca", "bogota d.c.", "99999"), ("quindio", " ARMENIA", ""), (None, "Armenia", None), (None, "Cúcuta", None)]  # fmt: skip
FORWARD = {"RECEIVED": ["RADICATED"], "RADICATED": ["CLASSIFIED"], "CLASSIFIED": ["ASSIGNED"], "ASSIGNED": ["IN_PROGRESS"],
           "IN_PROGRESS": ["RESPONDED", "RESPONDED", "ON_HOLD"], "ON_HOLD": ["IN_PROGRESS"], "RESPONDED": ["CLOSED"],
           "CLOSED": ["ARCHIVED", "ARCHIVED", "REOPENED"], "REOPENED": ["IN_PROGRESS"], "ARCHIVED": []}  # fmt: skip


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []  # (text or bytes)

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def time(self, us):
        """RFC 3339, any offset and number of digits that keeps the microsecond (more digits are cut off)."""
        offset = self.random.choice([0, 0, -300, -300, 330, 60, -210])
        local = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=us + offset * 60_000_000)
        fraction = f"{us % 1_000_000:06d}"
        text = local.strftime("%Y-%m-%dT%H:%M:%S")
        if fraction == "000000" and self.random.random() < 0.5:
            text += ""
        else:
            text += "." + (fraction.rstrip("0") or "0") if self.random.random() < 0.3 else "." + fraction + self.random.choice(["", "9", "999", "001"])
        return text + ("Z" if offset == 0 else f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}")

    def event(self, ticket, kind, us, data, **more):
        event = {"event_id": self.uuid(), "ticket_id": ticket, "event_type": kind, "ts": self.time(us), "data": data} | more
        if self.random.random() < 0.1:
            event["schema_version"] = "v1.0"
        if self.random.random() < 0.05:
            event |= {"run_id": "theirs", "traza": {"saltos": [1, 2.5, None], "é": "ü"}}
        if self.random.random() < 0.05:
            event["ticket_id"] = ticket.upper()
        if self.random.random() < 0.05:
            event = dict(reversed(event.items()))
        self.lines.append(event)
        return event

    def status(self, ticket, us, before, after, **more):
        data = {"status_from": before, "status_to": after} | ({"actor_role": self.random.choice(["system", "agent"])} if self.random.random() < 0.5 else {})
        return self.event(ticket, "STATUS_CHANGED", us, data | more)


def us_of(text):
    return oracle.parse_time(text)


def created(w, us, **change):
    """A creation event; its ticket's id."""
    r, ticket = w.random, w.uuid()
    subject, text = r.choice(TEXTS)
    region, city, code = r.choice(PLACES)
    data = {"external_id": f"EXT-{r.randrange(10**6)}", "source_channel": r.choice(oracle.CHANNELS), "pqrs_type": r.choice([*"PQRS", None]),
            "priority": r.choice([*oracle.PRIORITIES, None]), "geo_region": region, "geo_municipio": city, "dane_city_code": code,
            "subject": subject, "text": text, "text_len": r.choice([None, 3, len(text)])}  # fmt: skip
    if r.random() < 0.3:
        data["request_kind"] = r.choice([*law_oracle.KINDS, None])
    if r.random() < 0.3:
        data |= {"sla_due_at": "2025-12-24T00:00:00Z", "closed_at": None, "preclassifier": r.choice(["reglas", {"v": 1, "p": [0.5, True]}]), "topic_preclassified": "agua"}
    data = {k: v for k, v in (data | change).items() if v is not None or r.random() < 0.5}
    more = {} if r.random() < 0.6 else {"tenant_id": r.choice(["alcaldia", "acueducto"])}
    w.event(ticket, "TICKET_CREATED", us, data, **more)
    return ticket


def walk(w, ticket, us, end):
    """A life of a ticket until `end`, now and then with an event that does not fit."""
    r, state = w.random, "RECEIVED"
    pause = r.choice([2, 20, 60]) * 3_600_000_000
    while FORWARD[state]:
        us += r.randrange(1, pause) if r.random() < 0.95 else 0
        if us > end or r.random() < 0.02:
            break
        if r.random() < 0.08:  # does not fit here
            before = r.choice([state, state, "CLOSED", "IN_PROGRESS", "NO_SUCH"])
            after = r.choice(["CLOSED", "RECEIVED", "ARCHIVED", "NO_SUCH", "ON_HOLD"])
            if not (before == state and after in FORWARD[state]):
                w.status(ticket, us, before, after, reason="no cabe")
                us += 1_000_000
        after = r.choice(FORWARD[state])
        w.status(ticket, us, state, after)
        state = after
        if r.random() < 0.5:
            message = {"role": r.choice(["agent", "citizen"]), "text": r.choice(TEXTS)[1]} | ({"message_id": w.uuid()} if r.random() < 0.3 else {})
            w.event(ticket, "MESSAGE_ADDED", us + r.randrange(-7_200_000_000, 7_200_000_000), message | {"text_len": 7})
        if r.random() < 0.3:
            file = {"file_type": "pdf", "size_kb": r.choice([0, 12, 5_000_000_000])} | r.choice([{}, {"file_name": "oficio año.pdf"}, {"source_channel": "email"}])
            w.event(ticket, "ATTACHMENT_ADDED", us + r.randrange(1, 3_600_000_000), file)


def path(w, ticket, steps):
    state = "RECEIVED"
    for after, when in steps:
        w.status(ticket, us_of(when), state, after)
        state = after


def special(w):
    """Cases by hand: holds over holidays, holds that stay, days that end in another zone, ties of time."""
    over_christmas = created(w, us_of("2025-12-19T22:00:00-05:00"), pqrs_type="R")
    path(w, over_christmas, [("RADICATED", "2025-12-19T23:59:59.999999-05:00"), ("CLASSIFIED", "2025-12-22T08:00:00-05:00"), ("ASSIGNED", "2025-12-22T09:00:00-05:00"),
                             ("IN_PROGRESS", "2025-12-22T10:00:00-05:00"), ("ON_HOLD", "2025-12-23T10:00:00-05:00"), ("IN_PROGRESS", "2026-01-02T00:00:00-05:00"),
                             ("ON_HOLD", "2026-01-09T12:00:00-05:00"), ("IN_PROGRESS", "2026-01-12T12:00:00-05:00"), ("RESPONDED", "2026-01-13T12:00:00-05:00"),
                             ("CLOSED", "2026-01-13T12:00:00-05:00")])  # fmt: skip
    held = created(w, us_of("2025-12-05T12:00:00Z"), pqrs_type="S")
    path(w, held, [("RADICATED", "2025-12-07T23:59:59-05:00"), ("CLASSIFIED", "2025-12-08T08:00:00-05:00"), ("ASSIGNED", "2025-12-09T09:00:00-05:00"),
                   ("IN_PROGRESS", "2025-12-09T10:00:00-05:00"), ("ON_HOLD", "2025-12-09T10:00:00.5-05:00")])  # fmt: skip
    for edge_us in range(-1, 2):  # answered in the last microsecond of the term, one before, one after; closed a month later
        edge = created(w, us_of("2025-12-01T12:00:00-05:00"), pqrs_type="R")
        path(w, edge, [("RADICATED", "2025-12-01T13:00:00-05:00"), ("CLASSIFIED", "2025-12-01T13:00:00-05:00"), ("ASSIGNED", "2025-12-02T13:00:00-05:00"),
                       ("IN_PROGRESS", "2025-12-02T13:00:00.000001-05:00")])  # fmt: skip
        due = oracle.local_day_end(oracle.business_day_after(datetime.date(2025, 12, 1), 15))
        w.status(edge, due + edge_us, "IN_PROGRESS", "RESPONDED")
        w.status(edge, us_of("2026-01-23T13:00:00-05:00"), "RESPONDED", "CLOSED")
    created(w, us_of("2025-12-31T23:59:59.999999-05:00"))  # never touched; the next year in UTC
    same = created(w, us_of("2025-12-15T12:00:00Z"))
    w.status(same, us_of("2025-12-15T12:00:00Z"), "RECEIVED", "RADICATED")  # at the instant of its creation
    twice = created(w, us_of("2025-12-15T12:00:00Z"))
    w.event(twice, "TICKET_CREATED", us_of("2025-12-16T12:00:00Z"), {"external_id": "again", "source_channel": "chat"})
    late = created(w, us_of("2025-12-20T12:00:00Z"))
    w.event(late, "MESSAGE_ADDED", us_of("2025-12-19T11:59:59.999999Z"), {"role": "citizen", "text": "más de un día antes"})
    w.status(late, us_of("2025-12-19T12:00:00Z"), "RECEIVED", "RADICATED")  # a day before, to the microsecond
    w.event(late, "MESSAGE_ADDED", us_of("2025-12-20T11:59:59.999999Z"), {"role": "citizen", "text": "antes"})
    nobody = w.uuid()
    w.status(nobody, us_of("2025-12-20T12:00:00Z"), "RECEIVED", "RADICATED")
    w.event(nobody, "MESSAGE_ADDED", us_of("2026-01-20T11:59:59Z"), {"role": "agent", "text": "¿a quién?"})


def bad_lines(w):
    good = {"event_id": w.uuid(), "ticket_id": w.uuid(), "event_type": "STATUS_CHANGED", "ts": "2025-12-20T12:00:00Z", "data": {"status_from": "RECEIVED", "status_to": "RADICATED"}}

    def but(**change):
        return {k: v for k, v in (good | {"event_id": w.uuid()} | change).items() if v is not ...}

    message = {"role": "agent", "text": "x"}
    file = {"file_type": "pdf", "size_kb": 1}
    return [
        b"not json", b"[]", b'"text"', b"{", b'{"a":1}}', b'{"a":NaN}', b'{"a":01}', b"null", b'{"bad":"\xff\xfe"}', b"x" * (oracle.LINE_BYTES_MAX + 1), b"   ", b"",
        but(event_id=...), but(event_id=None), but(event_id=5), but(event_id="nope"), but(ticket_id=...), but(ticket_id="x" * 36), but(event_type="PARTY"), but(event_type=True),
        but(ts=...), but(ts=1), but(ts="2025-12-20"), but(ts="2025-02-30T00:00:00Z"), but(ts="2025-12-20 12:00:00Z "), but(ts="2025-12-20T12:00:00"),
        but(data=...), but(data=[]), but(data={}), but(data={"status_from": "RECEIVED"}), but(data=good["data"] | {"actor_role": "alien"}), but(data=good["data"] | {"reason": 5}),
        but(schema_version=1), but(tenant_id={}), but(event_type="MESSAGE_ADDED", data={"role": "agent"}), but(event_type="MESSAGE_ADDED", data=message | {"role": "system"}),
        but(event_type="MESSAGE_ADDED", data=message | {"text_len": "1"}), but(event_type="MESSAGE_ADDED", data=message | {"text_len": 1.5}),
        but(event_type="MESSAGE_ADDED", data=message | {"text_len": 2**31}), but(event_type="ATTACHMENT_ADDED", data=file | {"size_kb": -1}),
        but(event_type="ATTACHMENT_ADDED", data=file | {"size_kb": None}), but(event_type="ATTACHMENT_ADDED", data=file | {"source_channel": "fax"}),
        but(event_type="TICKET_CREATED", data={"external_id": "1", "source_channel": "fax"}), but(event_type="TICKET_CREATED", data={"source_channel": "chat"}),
        but(event_type="TICKET_CREATED", data={"external_id": "1", "source_channel": "chat", "pqrs_type": "Z"}),
        but(event_type="TICKET_CREATED", data={"external_id": "1", "source_channel": "chat", "request_kind": "urgent"}),
        but(event_type="TICKET_CREATED", data={"external_id": "1", "source_channel": "chat", "radicated_at": "ayer"}),
    ]  # fmt: skip


def encode(w, line):
    if isinstance(line, bytes):
        return line
    # Unknown and nested members are kept as they stand and compared so: repeats must spell them alike to be repeats.
    as_it_stands = "traza" in line or "preclassifier" in line["data"] if isinstance(line.get("data"), dict) else True
    separators = (",", ":") if as_it_stands or w.random.random() < 0.7 else (", ", ": ")
    return json.dumps(line, ensure_ascii=not as_it_stands and w.random.random() < 0.3, separators=separators).encode()


def write(folder, seed=7, tickets=500):
    """Three files. Events are spread over them in any order; some are repeated in the same or another one, some of the
    repeats with other content."""
    w = Writer(seed)
    start, end = us_of("2025-12-01T00:00:00-05:00"), us_of("2026-01-28T00:00:00-05:00")
    special(w)
    for _ in range(tickets):
        us = w.random.randrange(start, end)
        walk(w, created(w, us), us, end)
    events, r = list(w.lines), w.random
    files = [[], [], []]
    for event in events:
        r.choice(files).append(event)
    for event in r.sample(events, len(events) // 12):  # repeats
        changed = json.loads(json.dumps(event))
        if r.random() < 0.4:
            changed["data"]["novedad"] = "otra"
        if r.random() < 0.2:
            changed["ts"] = w.time(us_of(changed["ts"]) + r.choice([-1, 1]) * r.randrange(1, 90_000_000_000))
        r.choice(files).append(changed)
    for line in bad_lines(w):
        r.choice(files).append(line)
    for lines in files:
        r.shuffle(lines)
    folder.mkdir()
    for name, lines in zip(("a.jsonl", "b.jsonl", "c.jsonl"), files):
        end_of_line = b"\r\n" if name == "b.jsonl" else b"\n"
        (folder / name).write_bytes((b"\xef\xbb\xbf" if name == "c.jsonl" else b"") + end_of_line.join(encode(w, line) for line in lines))
