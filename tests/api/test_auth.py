"""Who may read what of `pqr serve`: tokens that are refused, roles, tenants on both databases, and what the log says of it."""

import base64
import hashlib
import hmac
import json
import sys
import time

import jwt
import pytest
from conftest import ROOT
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from receiver import Receiver
from server import TENANTS, Served, run, tenants  # noqa: F401

sys.path.insert(0, str(ROOT / "tests"))
from poll import within

SECRET = "a secret of thirty-two bytes, or more"
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"role": "authenticated", "aud": "authenticated", "sub": "user-7", "session_id": "session-9", "aal": "aal1",
          "app_metadata": {"tenant_id": "t1"}, "user_metadata": {"tenant_id": "t2"}}
CORE = ("tickets", "ticket_events", "messages")


def jwk(key, kid):
    public = json.loads((jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm).to_jwk(key.public_key()))
    return public | {"kid": kid, "use": "sig", "key_ops": ["verify"]}


def claims(**more):
    now = int(time.time())
    return {k: v for k, v in (CLAIMS | {"iat": now, "exp": now + 600} | more).items() if v is not None}


def token(key=SECRET, algorithm="HS256", headers=None, **more):
    return jwt.encode(claims(**more), key, algorithm, headers=headers)


def part(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def handmade(header, payload, secret=None):
    text = f"{part(header)}.{part(payload)}"
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(request, tenants, tmp_path_factory):  # noqa: F811
    if tenants[request.param] is None:
        pytest.skip(tenants["why"])
    folder = tmp_path_factory.mktemp("served")
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk(RSA, "rsa"), jwk(EC, "ec")]}))
    settings = {"PQR_SERVER_AUTH_JWT_SECRET": SECRET, "PQR_SERVER_AUTH_JWKS": str(folder / "jwks.json")}
    with Served(folder, tenants["lake"], tenants[request.param], settings) as server:
        server.postgres = request.param == "postgres"
        yield server


def count(server, table, who, more=""):
    answer = server.get(f"/api/v1/{table}?select=count(){more}", who)
    assert answer.status == 200, answer.body
    return answer.json()[0]["count"]


# ---- tokens ------------------------------------------------------------------------------------------------------------


def refused():
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    good, service = claims(), claims(role="service_role")
    now = int(time.time())
    other = rsa.generate_private_key(65537, 2048)
    return {
        "none": handmade({"alg": "none"}, service),
        "none with a signature": handmade({"alg": "none"}, service, SECRET.encode()),
        "None": handmade({"alg": "None"}, service, SECRET.encode()),
        "public key as secret": handmade({"alg": "HS256", "kid": "rsa"}, service, pem),
        "public key as secret, unnamed": handmade({"alg": "HS256"}, service, pem.rstrip()),
        "another secret": token(SECRET + "!"),
        "no secret": handmade({"alg": "HS256"}, service, b"\0"),
        "another RSA key": token(other, "RS256", {"kid": "rsa"}),
        "RSA key as EC's": token(RSA, "RS256", {"kid": "ec"}),
        "unknown kid": token(RSA, "RS256", {"kid": "other"}),
        "RS512": token(RSA, "RS512", {"kid": "rsa"}),
        "HS384": token(SECRET * 2, "HS384"),
        "key in its header": token(other, "RS256", {"jwk": jwk(other, "own"), "jku": "http://127.0.0.1:1/"}),
        "critical": handmade({"alg": "HS256", "crit": ["exp"], "exp": now}, good, SECRET.encode()),
        "expired": token(exp=now - 60),
        "never ends": token(exp=None),
        "exp as text": handmade({"alg": "HS256"}, good | {"exp": str(now + 60)}, SECRET.encode()),
        "not yet": token(nbf=now + 90),
        "wrong audience": token(aud="other"),
        "no audience": token(aud=None),
        "unknown role": token(role="postgres"),
        "role of another kind": token(role=["service_role"]),
        "no role": token(role=None),
        "oversized": token(padding="x" * 8192),
        "cut": token()[:-2],
        "changed claims": token().split(".")[0] + "." + part(service) + "." + token().split(".")[2],
        "two of them": token() + " " + token(),
        "nothing": "",
        "dots": "..",
    }


def test_refused(served):
    for name, bad in refused().items():
        answer = served.get("/api/v1/gold/daily_kpis", bad)
        assert answer.status == 401, (name, answer.status, answer.body)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
        assert answer.headers["Content-Type"] == "application/problem+json"
        if len(bad) > 20:
            assert bad.encode() not in answer.body and bad not in served.logged()
    for header in ("Basic dTpw", "bearer", "Token " + token(), token()):
        assert served.get("/api/v1/gold/daily_kpis", headers={"Authorization": header}).status == 401, header


def test_taken(served):
    for good in (token(), token(RSA, "RS256", {"kid": "rsa"}), token(EC, "ES256", {"kid": "ec"}), token(EC, "ES256"),
                 token(aud=["other", "authenticated"]), token(exp=int(time.time()) + 600.5), token(role="service_role", aud=None)):
        assert served.get("/api/v1/gold/daily_kpis", good).status == 200
    assert served.get("/api/v1/gold/daily_kpis", headers={"Authorization": "bearer  " + token() + " "}).status == 200


# ---- roles and tenants -------------------------------------------------------------------------------------------------


def test_tenants(served):
    """A tenant's user sees its rows, those of its tickets, and no others; whoever has no tenant sees none."""
    service = token(role="service_role")
    users = {t: token(app_metadata={"tenant_id": t}) for t in TENANTS}
    for table in CORE:
        seen = {t: count(served, f"core/{table}", user) for t, user in users.items()}
        assert all(seen.values()) and sum(seen.values()) == count(served, f"core/{table}", service)
        for nobody in (token(app_metadata={}), token(app_metadata={"tenant_id": "t3"}), token(app_metadata={"tenant_id": ""})):
            assert count(served, f"core/{table}", nobody) == 0
    truth = {row["tenant_id"]: row["count"] for row in served.get("/api/v1/core/tickets?select=tenant_id,count()", service).json()}
    assert truth == {t: count(served, "core/tickets", user) for t, user in users.items()}
    for t, user in users.items():
        for table in ("core/tickets", "gold/daily_kpis"):
            assert {row["tenant_id"] for row in served.get(f"/api/v1/{table}?select=tenant_id", user).json()} == {t}
        mine = {row["ticket_id"] for row in served.get("/api/v1/core/tickets?select=ticket_id&limit=100000", user).json()}
        below = served.get("/api/v1/core/messages?select=ticket_id&limit=100000", user).json()
        assert {row["ticket_id"] for row in below} <= mine
    # tenant_id of the token itself comes first, as in meta.request_tenant()
    assert count(served, "core/tickets", token(tenant_id="t2")) == truth["t2"]


def test_ticket(served):
    """A ticket is told of to its tenant alone: to others there is none of that number."""
    service = token(role="service_role")
    ids = {t: served.get(f"/api/v1/core/tickets?select=ticket_id&tenant_id=eq.{t}&limit=1", service).json()[0]["ticket_id"] for t in TENANTS}
    for who, whose in ((a, b) for a in TENANTS for b in TENANTS):
        answer = served.get(f"/api/v1/tickets/{ids[whose]}", token(app_metadata={"tenant_id": who}))
        assert answer.status == (200 if who == whose else 404), (answer.status, answer.body)
        if who == whose:
            assert answer.json()["ticket"]["tenant_id"] == who and answer.json()["timeline"] and answer.json()["due"]
    assert served.get(f"/api/v1/tickets/{ids['t1']}", service).status == 200


def test_cases(served):
    """A tenant's own, also where the list joins a table that has no tenant: SQLite has no rights of its own, PostgreSQL keeps that table to itself."""
    whole = {row["tenant_id"]: row["count"] for row in served.get("/api/v1/cases?select=tenant_id,count()", token(role="service_role")).json()}
    assert set(whole) == set(TENANTS)
    for t in TENANTS:
        answer = served.get("/api/v1/cases?select=tenant_id,count()", token(app_metadata={"tenant_id": t}))
        if served.postgres:
            assert answer.status == 403 and answer.json()["detail"] == "this role may not read this"
        else:
            assert answer.json() == [{"tenant_id": t, "count": whole[t]}]
    if not served.postgres:
        assert served.get("/api/v1/cases", token(app_metadata={})).json() == []


def test_filters_do_not_widen(served):
    user = token()
    mine = count(served, "core/tickets", user)
    for more in ("&tenant_id=eq.t2", "&tenant_id=not.eq.t1", "&or=(tenant_id.eq.t2)", "&not.or=(tenant_id.eq.t1)"):
        assert count(served, "core/tickets", user, more) == 0, more
    for more in ("&or=(tenant_id.eq.t2,tenant_id.neq.t2)", "&or=(tenant_id.eq.t1,tenant_id.eq.t2)", "&tenant_id=in.(t1,t2)", "&or=(tenant_id.is.null,tenant_id.not.is.null)"):
        assert count(served, "core/tickets", user, more) == mine, more
    answer = served.get("/api/v1/core/tickets?select=ticket_id&limit=1", user, {"Prefer": "count=exact"})
    assert answer.headers["Content-Range"] == f"0-0/{mine}"
    for page in ("&offset=1", "&after=%2200000000-0000-0000-0000-000000000000%22"):
        answer = served.get(f"/api/v1/core/tickets?select=ticket_id,tenant_id&limit=100000{page}", user)
        assert answer.status == 200 and {row["tenant_id"] for row in answer.json()} == {"t1"}, (page, answer.body)


def test_roles(served):
    """Only what has a tenant is for users; nothing is for those without a token."""
    about = served.get("/api/v1").json()
    assert about["auth"] == {"mode": "jwt"}
    user, anon, service = token(), token(role="anon"), token(role="service_role")
    open_to_users = set()
    for schema, names in about["schemas"].items():
        for name in names:
            target = f"/api/v1/{schema}/{name}?limit=1"
            assert served.get(target).status == 401, target
            assert served.get(target, anon).status == 401, target
            mine = served.get(target, user)
            answer = served.get(target, service)
            assert answer.status not in (401, 403), target
            if answer.status != 200:  # of a workload that published nothing here
                assert mine.status == answer.status or mine.status == 403
                continue
            assert mine.status in (200, 403), (target, mine.body)
            if mine.status == 200:
                open_to_users.add(f"{schema}.{name}")
            else:
                assert mine.json()["detail"] == "this role may not read this"
    assert open_to_users == {"core.tickets", "core.ticket_events", "core.messages", "gold.daily_kpis"}


def test_the_control_plane(served):
    """meta.* is a table as any other, to the service alone; nothing tells when it changes, so it has no tag."""
    service, user = token(role="service_role"), token(tenant_id="t1")
    run = served.get("/api/v1/meta/runs?select=run_id,status,silver_rows,started_at&started_at=gte.2020-01-01", service)
    assert run.status == 200 and run.headers["ETag"] is None and run.json()[0]["status"] == "SUCCESS"
    rows = served.get(f"/api/v1/meta/run_rows?layer=eq.silver&run_id=eq.{run.json()[0]['run_id']}", service).json()
    assert [row["rows"] for row in rows] == [run.json()[0]["silver_rows"]]
    for name in served.get("/api/v1").json()["schemas"]["meta"]:
        assert served.get(f"/api/v1/meta/{name}", service).status == 200, name
        assert served.get(f"/api/v1/meta/{name}?format=arrow", service).status == 200, name
        assert served.get(f"/api/v1/meta/{name}", user).status == 403, name
    assert served.get("/api/v1/meta/leases", service).status == 404


def test_rows_of_the_lake(tenants, tmp_path):  # noqa: F811
    """core.* that SQLite does not hold comes from the lake, for the same people."""
    lake = tmp_path / "lake"
    run("run", "--lake", lake, "--input", tenants["source"], "--quiet", env={"PQR_QUALITY_INVALID_TRANSITION_RATE_MAX": "1"})
    with Served(tmp_path, lake, f"sqlite:{lake}/control.db", {"PQR_SERVER_AUTH_JWT_SECRET": SECRET}) as server:
        service = token(role="service_role")
        whole = server.get("/api/v1/core/tickets?select=count()", service)
        if whole.status == 501:
            pytest.skip("no libduckdb")
        assert server.get("/api/v1/core/tickets").status == 401
        for t in TENANTS:
            cases = server.get("/api/v1/cases?select=ticket_id,tenant_id", token(app_metadata={"tenant_id": t})).json()
            assert {row["tenant_id"] for row in cases} == {t}
            assert server.get(f"/api/v1/tickets/{cases[0]['ticket_id']}", token(app_metadata={"tenant_id": t})).status == 200
        mine = [count(server, "core/tickets", token(app_metadata={"tenant_id": t})) for t in (*TENANTS, "t3", "")]
        assert all(mine[:2]) and mine[2:] == [0, 0] and sum(mine) == whole.json()[0]["count"]
        below = [count(server, "core/messages", token(app_metadata={"tenant_id": t})) for t in TENANTS]
        assert all(below) and sum(below) == count(server, "core/messages", service)
        assert server.get("/api/v1/core/dim_geo", token()).status == 403


# ---- what is sent by others --------------------------------------------------------------------------------------------

NASTY = ["'", "''", "'; DROP TABLE gold_daily_kpis; --", "' OR '1'='1", "\\", "\\'", '"', "$1", "?1", "%", "*/", "/*", "--", "x'y\"z`", "t1' UNION SELECT sql FROM sqlite_master --",
         "t1'||(SELECT 1)||'", "\u0000", "😀", "a" * 3000, *("a" * n + "é" * 400 for n in range(2))]


def escaped(text):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02X}" for b in text.encode())


def test_injection(served):
    """Texts in every place of a query: an answer or a 400, the same tables afterwards, and no row of another tenant."""
    user, service = token(), token(role="service_role")
    before = count(served, "gold/daily_kpis", service)
    operators = ["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "is", "in", "not.eq", "not.in", "nonsense"]
    for text in map(escaped, NASTY):
        tries = [f"tenant_id={op}.{'(' if op.endswith('in') else ''}{text}{')' if op.endswith('in') else ''}" for op in operators]
        tries += [f"{text}=eq.1", f"select={text}", f"select=a:{text}", f"select={text}:tenant_id", f"select=tenant_id.{text}()", f"order={text}", f"order=tenant_id.{text}",
                  f"limit={text}", f"offset={text}", f"or=({text})", f"or=(tenant_id.eq.{text})", f"and=(tenant_id.eq.{text},or(day.gt.{text}))", f"after={text}", f"format={text}", f"day=gte.{text}"]
        for query in tries:
            answer = served.get(f"/api/v1/gold/daily_kpis?{query}", user)
            assert answer.status in (200, 400, 406), (query, answer.status, answer.body)
            answer.body.decode()  # also what a message shows of it, cut
            if answer.status == 200 and answer.headers["Content-Type"].startswith("application/json"):
                assert {row.get("tenant_id", "t1") for row in answer.json()} <= {"t1"}, query
        for path in (f"/api/v1/{text}/daily_kpis", f"/api/v1/gold/{text}"):
            answer = served.get(path, user)
            assert answer.status in (400, 404), path
            answer.body.decode()
    assert count(served, "gold/daily_kpis", service) == before
    # The tenant of a token is a value too.
    for text in NASTY:
        if "\0" not in text and len(text) < 1000:
            assert count(served, "gold/daily_kpis", token(app_metadata={"tenant_id": text})) == 0


def test_paths_and_hosts(served):
    for path in ("/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/assets/../../etc/passwd", "/....//etc/passwd",
                 "/api/v1/../../etc/passwd", "/api/v1/gold/..%2f..%2fetc%2fpasswd", "/%00", "/etc/passwd%00.html", "/..\\..\\etc\\passwd"):
        answer = served.get(path, token())
        assert answer.status in (200, 400, 403, 404), (path, answer.status)
        assert b"root:" not in answer.body, path
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8080", ""):
        assert served.get("/api/v1", headers={"Host": host}).status in (400, 421), host
    for host in ("localhost", "127.0.0.1:1", "[::1]:80"):
        assert served.get("/api/v1", headers={"Host": host}).status == 200, host
    answer = served.get("/api/v1", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


# ---- the log -----------------------------------------------------------------------------------------------------------


def test_log(served):
    secret = token(sub="the-one-we-look-for")
    served.get(f"/api/v1/gold/daily_kpis?limit=2&day=gte.2025-09-01&note={secret}", secret)
    answer = served.get("/api/v1/gold/daily_kpis?limit=2", secret)
    assert answer.status == 200

    def lines():
        return [line for line in map(json.loads, served.logged().splitlines()) if line.get("sub") == "the-one-we-look-for"]

    within(120, lambda: len(lines()) == 2)
    first, second = lines()
    assert second == {"ts": second["ts"], "level": "info", "msg": "request", "role": "authenticated", "sub": "the-one-we-look-for", "tenant": "t1", "session": "session-9",
                      "method": "GET", "target": "/api/v1/gold/daily_kpis?limit=2", "status": "200", "rows": str(len(answer.json())), "us": second["us"]}
    assert int(second["us"]) > 0
    assert first["target"] == "/api/v1/gold/daily_kpis?limit=2&day=gte.2025-09-01&note=***" and first["status"] == "400"
    served.get("/api/v1/gold/daily_kpis")
    within(120, lambda: '"role":"anon"' in served.logged())
    text = served.logged()
    assert SECRET not in text and secret not in text and secret.split(".")[2] not in text


def test_settings(pqr, tenants, tmp_path):  # noqa: F811
    """What is set wrongly ends the start, without showing a secret; `pqr token` makes what the server takes."""
    for settings, why in (({"PQR_SERVER_AUTH_JWT_SECRET": "short-one"}, "at least 32"), ({"PQR_SERVER_AUTH_JWT_SECRET_FILE": "nowhere"}, "nowhere"),
                          ({"PQR_SERVER_AUTH_JWKS": "nowhere.json"}, "nowhere.json"), ({"PQR_SERVER_AUTH_JWT_SECRET": SECRET, "PQR_SERVER_AUTH_JWT_SECRET_FILE": "f"}, "one of them")):
        said = pqr("serve", "--lake", tenants["lake"], "--listen", "127.0.0.1:0", env=settings, code=2 if "FILE" not in str(settings) or "one of" in why else 1).stderr
        assert why in said and "short-one" not in said and SECRET not in said
    assert "secret" in pqr("token", code=2).stderr
    (tmp_path / "secret").write_text(SECRET + "\n")
    settings = {"PQR_SERVER_AUTH_JWT_SECRET_FILE": str(tmp_path / "secret"), "PQR_SERVER_AUTH_ISSUER": "us"}
    made = pqr("token", "--tenant", "t2", "--sub", "me", "--expires", "60", env=settings).stdout.strip()
    told = jwt.decode(made, SECRET, ["HS256"], audience="authenticated", issuer="us")
    assert told["app_metadata"] == {"tenant_id": "t2"} and told["sub"] == "me" and told["exp"] - told["iat"] == 60
    with Served(tmp_path, tenants["lake"], tenants["sqlite"], settings) as server:
        assert {row["tenant_id"] for row in server.get("/api/v1/gold/daily_kpis", made).json()} == {"t2"}
        assert server.get("/api/v1/gold/daily_kpis", token(iss="them")).status == 401
    for wrong in (["--role", "postgres"], ["--expires", "0"], ["--expires", "x"]):
        pqr("token", *wrong, env=settings, code=2)


def test_keys_by_address(tenants, tmp_path):  # noqa: F811
    """A new key is taken once the set has it; while the service is down the keys of before are good."""
    keys = [jwk(RSA, "first")]
    new = ec.generate_private_key(ec.SECP256R1())
    with Receiver(document=lambda: {"keys": keys}) as receiver:
        with Served(tmp_path, tenants["lake"], tenants["sqlite"], {"PQR_SERVER_AUTH_JWKS": receiver.url + "/jwks.json"}) as server:
            def status(key, algorithm, kid):
                return server.get("/api/v1/gold/daily_kpis", token(key, algorithm, {"kid": kid})).status

            assert status(RSA, "RS256", "first") == 200 and status(new, "ES256", "second") == 401
            keys.append(jwk(new, "second"))
            within(120, lambda: status(new, "ES256", "second") == 200)
            receiver.answers[:] = [500]
            seen = len(receiver.fetched)
            within(120, lambda: status(new, "ES256", "third") == 401 and len(receiver.fetched) > seen)
            assert status(RSA, "RS256", "first") == 200 and status(new, "ES256", "second") == 200
            for _ in range(50):  # whatever is sent, the service is asked now and then alone
                status(new, "ES256", "third")
            assert len(receiver.fetched) <= seen + 30
