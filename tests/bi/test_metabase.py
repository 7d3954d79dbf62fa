"""deploy/metabase: every query as pqr_bi on PostgreSQL; what is sent, to a server that keeps it as Metabase's API says and refuses the rest.

That Metabase itself takes it, and how it draws it, only a real one can prove: there is none in a registry.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import threading

import pytest
from conftest import PQR, ROOT

PROVISION = ROOT / "deploy/metabase/provision"
sys.path.insert(0, str(PROVISION.parent))
from questions import DASHBOARDS  # noqa: E402

QUESTIONS = [pytest.param(*asked, id=asked[0]) for _, questions in DASHBOARDS.values() for _, *asked in questions]
DISPLAYS = {"scalar", "line", "bar", "area", "row", "table"}
# method and path -> the members of a request, each with its type; None: no body
SHAPES = {
    ("GET", "session/properties"): None,
    ("POST", "setup"): {"token": str, "user": dict, "prefs": dict},
    ("POST", "session"): {"username": str, "password": str},
    ("GET", "database"): None,
    ("POST", "database"): {"name": str, "engine": str, "details": dict, "is_full_sync": bool, "auto_run_queries": bool},
    ("GET", "collection"): None,
    ("POST", "collection"): {"name": str, "description": str},
    ("GET", "collection/N/items"): None,
    ("POST", "card"): {"name": str, "description": str, "type": str, "display": str, "collection_id": int, "dataset_query": dict, "visualization_settings": dict},
    ("POST", "dashboard"): {"name": str, "description": str, "collection_id": int},
    ("GET", "dashboard/N"): None,
}
CARD = {"id": int, "card_id": int, "col": int, "row": int, "size_x": int, "size_y": int, "parameter_mappings": list, "visualization_settings": dict}


def has_shape(body, shape, optional=()):
    assert set(shape) <= set(body) <= set(shape) | set(optional), set(shape) ^ set(body)
    for name, kind in shape.items():
        assert isinstance(body[name], kind), (name, body[name])


class Recorder(http.server.BaseHTTPRequestHandler):
    """As much of Metabase's API as provisioning takes; what it is sent stands in server.kept, each call in server.calls."""

    def reply(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_call(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path, _, query = self.path.removeprefix("/api/").partition("?")
        try:
            status, answer = self.server.take(self.command, path, query, body, self.headers)
        except (AssertionError, KeyError, TypeError) as error:
            self.server.faults.append(f"{self.command} {path}: {error!r}")
            status, answer = 400, {"message": repr(error)}
        self.reply(status, answer)

    do_GET = do_POST = do_PUT = handle_call  # noqa: N815 # http.server's names

    def log_message(self, *_):
        pass


class Metabase(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Recorder)
        self.calls, self.faults, self.admin = [], [], None
        self.kept = {"database": {1: {"name": "PQR", "engine": "h2"}}, "collection": {2: {"name": "PQR", "archived": True}}, "card": {}, "dashboard": {}}
        self.last_id = 10

    def take(self, method, path, query, body, headers):
        self.calls.append(f"{method} {path}")
        kind, _, rest = path.partition("/")
        if path in ("session", "session/properties", "setup"):
            return self.session(method, path, body)
        if headers.get("X-Metabase-Session") != "a session" and headers.get("X-API-Key") != "a key":
            return 401, "Unauthenticated"
        shape = SHAPES[("POST" if method == "PUT" else method, re.sub(r"\d+", "N", path) if method == "GET" else kind)]
        if method == "PUT":
            return self.change(kind, self.kept[kind][int(rest)], body, shape)
        if method == "POST":
            self.judge(kind, body, shape)
            self.last_id += 1
            self.kept[kind][self.last_id] = body | ({"dashcards": []} if kind == "dashboard" else {})
            return 200, {"id": self.last_id, **body}
        if kind == "database":
            return 200, {"data": self.listed(kind), "total": len(self.kept[kind])}
        if path == "collection":
            return 200, [{"id": "root", "name": "Our analytics"}, *self.listed(kind)]
        if kind == "collection":
            assert query == "models=card&models=dataset&models=dashboard"
            return 200, {"data": [{"id": n, "name": one["name"], "model": {"model": "dataset", "question": "card"}.get(one.get("type"), "dashboard")}
                                  for table in ("card", "dashboard") for n, one in self.kept[table].items() if one["collection_id"] == int(rest.split("/")[0])]}
        return 200, {"id": int(rest), **self.kept[kind][int(rest)]}

    def listed(self, kind):
        return [{"id": n, "archived": False, **one} for n, one in self.kept[kind].items()]

    def session(self, method, path, body):
        if path == "session/properties":
            return 200, {"has-user-setup": self.admin is not None, "setup-token": None if self.admin else "once"}
        has_shape(body, SHAPES[(method, path)])
        if path == "setup":
            assert body["token"] == "once" and self.admin is None and body["prefs"]["allow_tracking"] is False
            self.admin = (body["user"]["email"], body["user"]["password"])
        elif (body["username"], body["password"]) != self.admin:
            return 401, {"errors": {"password": "did not match stored password"}}
        return 200, {"id": "a session"}

    def judge(self, kind, body, shape):
        has_shape(body, shape, ("result_metadata",) if kind == "card" else ())
        if kind == "card":
            assert body["type"] in ("model", "question") and body["display"] in DISPLAYS and body["collection_id"] in self.kept["collection"]
            has_shape(body["dataset_query"], {"database": int, "type": str, "native": dict})
            assert self.kept["database"][body["dataset_query"]["database"]]["engine"] == "postgres"
            for column in body.get("result_metadata", []):
                has_shape(column, {"name": str, "display_name": str, "description": str, "base_type": str, "field_ref": list})

    def change(self, kind, there, body, shape):
        if kind == "dashboard" and "dashcards" in body:
            for card in body["dashcards"]:
                has_shape(card, CARD)
                assert card["card_id"] in self.kept["card"] and card["col"] + card["size_x"] <= 24
                assert card["id"] < 0 or card["id"] in {old["id"] for old in there["dashcards"]}
            there["dashcards"] = [card | {"id": card["id"] if card["id"] > 0 else 1000 + card["card_id"]} for card in body["dashcards"]]
        else:
            self.judge(kind, body, shape)
            there.update(body)
        return 200, there


@pytest.fixture
def metabase():
    server = Metabase()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def provision(server, *more, password="s3cret-admin", **env):
    settings = os.environ | {"METABASE_PASSWORD": password, "PGPASSWORD": "looks-only"} | env
    command = [sys.executable, PROVISION, "--url", f"http://127.0.0.1:{server.server_port}", "--pqr", PQR, "--database", "postgresql://dashboards@db.example:5433/pqr?sslmode=require", *more]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def test_from_nothing_and_again(metabase):
    first = provision(metabase, "--user", "admin@example.org")
    assert (first.returncode, first.stderr, metabase.faults) == (0, "", [])
    cards, boards = metabase.kept["card"].values(), metabase.kept["dashboard"]
    models = [card for card in cards if card["type"] == "model"]
    assert (len(models), len(cards) - len(models), len(boards)) == (18, 12, 2)
    (source,) = (one for one in metabase.kept["database"].values() if one["engine"] == "postgres")
    assert source["details"] | {"password": ""} == {"host": "db.example", "port": 5433, "dbname": "pqr", "user": "dashboards", "password": "", "ssl": True, "ssl-mode": "require",
                                                    "schema-filters-type": "inclusion", "schema-filters-patterns": "gold, analytics, realtime"}
    assert all(card["description"] and all(column["description"] for column in card["result_metadata"]) for card in models)
    assert sorted(len(board["dashcards"]) for board in boards.values()) == [4, 8]
    before = json.dumps(metabase.kept)
    metabase.calls.clear()
    again = provision(metabase, "--user", "admin@example.org")
    assert (again.returncode, again.stderr, metabase.faults) == (0, "", [])
    assert json.dumps(metabase.kept) == before
    assert [call for call in metabase.calls if call.startswith("POST")] == ["POST session"]
    assert "made" not in again.stdout and again.stdout.count("kept") == 18 + 12 + 2 + 2
    assert "s3cret" not in first.stdout + again.stdout and "looks-only" not in first.stdout + again.stdout


def test_what_others_changed_comes_back(metabase):
    assert provision(metabase, METABASE_API_KEY="a key").returncode == 0
    before = json.dumps(metabase.kept)
    number, card = next(iter(metabase.kept["card"].items()))
    card["description"] = "changed by hand"
    del metabase.kept["card"][max(metabase.kept["card"])]
    (theirs,) = (one for one in metabase.kept["database"].values() if one["engine"] == "h2")
    assert provision(metabase, METABASE_API_KEY="a key").returncode == 0
    assert metabase.kept["card"][number]["description"] != "changed by hand" and theirs == {"name": "PQR", "engine": "h2"}
    assert len(metabase.kept["card"]) == 30 and len(json.loads(before)["card"]) == 30 and metabase.faults == []


def test_refusals(metabase):
    metabase.admin = ("admin@example.org", "another")
    refused = provision(metabase, "--user", "admin@example.org")
    assert refused.returncode == 1 and re.fullmatch(r"provision: POST /api/session: 401 .*\n", refused.stderr) and "s3cret" not in refused.stderr
    assert "who?" in provision(metabase).stderr
    assert "PGPASSWORD" in provision(metabase, "--user", "a", PGPASSWORD="").stderr
    assert "No such file" in provision(metabase, "--user", "a", "--pqr", "/nowhere/pqr").stderr
    metabase.shutdown()
    metabase.server_close()
    assert "does not answer" in provision(metabase, "--user", "a").stderr


@pytest.mark.parametrize("name, description, display, sql, axes", QUESTIONS)
def test_question(name, description, display, sql, axes, looker):
    cursor = looker.execute(sql)
    rows, names = cursor.fetchall(), [column.name for column in cursor.description]
    assert rows and all(value is not None for row in rows for value in row) and description
    assert set(axes) == (set(names) if axes else set())
    assert display in DISPLAYS and (display != "scalar" or (len(rows) == 1 and len(names) == 1))


def test_places():
    assert sum(len(questions) for _, questions in DASHBOARDS.values()) == 12 and len(DASHBOARDS) == 2
    for _, questions in DASHBOARDS.values():
        taken = [(x, y) for (left, top, width, height), *_ in questions for x in range(left, left + width) for y in range(top, top + height)]
        assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24


def test_models_read_what_is_there(looker):
    """The models' SQL, as provisioning writes it from the contract."""
    import importlib.machinery
    import importlib.util

    loader = importlib.machinery.SourceFileLoader("provision", str(PROVISION))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("provision", loader))
    loader.exec_module(module)
    tables = module.contract(PQR)
    assert len(tables) == 18
    for name, (description, columns) in tables.items():
        made = module.model(1, 1, name, description, columns)
        cursor = looker.execute(made["dataset_query"]["native"]["query"] + " LIMIT 1")
        assert [column.name for column in cursor.description] == [column["name"] for column in made["result_metadata"]]
        assert cursor.fetchone() is not None, name
