"""A lake of two tenants, published to SQLite and to PostgreSQL, and the program that serves it."""

import json
import os
import pathlib
import subprocess
from urllib.parse import urlsplit

import pytest
from conftest import PQR, ROOT, SHORT, clean

TENANTS = ("t1", "t2")


def run(*arguments, env=None):
    made = subprocess.run([PQR, *arguments], env=clean(env), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


def tenant_of(ticket):
    return TENANTS[int(ticket[0], 16) % 2]


def events(folder):
    """The simulator's, each ticket one of a tenant."""
    run("generate", "--lake", folder / "one", *SHORT, "--quiet")
    lines = []
    for path in sorted((folder / "one" / "raw").rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            event["tenant_id"] = tenant_of(event["ticket_id"])
            lines.append(json.dumps(event, ensure_ascii=False))
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "events.jsonl"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Served:
    """A server of its own for each set of settings."""

    def __init__(self, folder, lake, control, settings):
        self.log = (folder / "log").open("w+")
        command = [PQR, "serve", "--lake", lake, "--control", control, "--listen", "127.0.0.1:0", "--json", "--log-format", "json"]
        self.process = subprocess.Popen(command, env=clean(settings), stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        assert line, pathlib.Path(self.log.name).read_text()
        self.url = json.loads(line)["url"]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        assert self.process.wait(120) == 0
        self.process.stdout.close()
        self.log.close()

    def logged(self):
        return pathlib.Path(self.log.name).read_text()

    def get(self, target, token=None, headers=None):
        return self.ask("GET", target, token, headers)

    def ask(self, method, target, token=None, headers=None):
        """The target goes as it is: nothing is escaped or made shorter on the way."""
        import http.client

        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        connection._validate_path = lambda url: None
        try:
            sent = dict(headers or {})
            if token is not None:
                sent["Authorization"] = f"Bearer {token}"
            connection.request(method, target, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="session")
def tenants(tmp_path_factory):
    """The lake, and where it is published: {"lake": ..., "sqlite": URI, "postgres": URI or None}."""
    if not PQR.exists():
        pytest.skip(f"{PQR} is not built")
    folder = tmp_path_factory.mktemp("tenants")
    folder.chmod(0o755)
    source = events(folder)
    lake = folder / "lake"
    settings = {"PQR_PUBLISH_CORE": "true", "PQR_QUALITY_INVALID_TRANSITION_RATE_MAX": "1"}
    run("run", "--lake", lake, "--input", source, "--quiet", env=settings)
    made = {"lake": lake, "source": source, "sqlite": f"sqlite:{lake}/control.db", "postgres": None, "why": ""}
    place = folder / "server"
    place.mkdir()
    for parent in place.parents:  # another user runs it, and looks up its socket
        if parent.owner() == folder.owner() and parent != pathlib.Path(parent.anchor) and os.access(parent, os.W_OK) and str(parent).count("/") > 1:
            parent.chmod(parent.stat().st_mode | 0o011)
    started = subprocess.run([ROOT / "tests" / "postgres", "start", place], capture_output=True, text=True, check=False)
    if started.returncode == 0:
        made["postgres"] = f"postgresql://postgres@/postgres?host={place}"
        run("run", "--lake", folder / "lake2", "--control", made["postgres"], "--input", source, "--quiet", env=settings)
        # The server's own user owns nothing: it may only become each of the roles.
        roles = "CREATE ROLE api LOGIN NOINHERIT; GRANT anon, authenticated, service_role TO api; GRANT USAGE ON SCHEMA meta TO api; GRANT SELECT ON ALL TABLES IN SCHEMA meta TO api"
        subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", made["postgres"], "-c", roles], check=True, capture_output=True)
        made["postgres"] = made["postgres"].replace("postgres@", "api@", 1)
    else:
        made["why"] = started.stdout.strip() or started.stderr.strip()
    yield made
    if made["postgres"]:
        subprocess.run([ROOT / "tests" / "postgres", "stop", place], check=True, capture_output=True)
