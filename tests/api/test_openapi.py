"""The server keeps to the document that it gives of itself, whatever is asked, and what the document lists is closed to strangers."""

import pathlib
import re
import subprocess
import sys

from conftest import clean
from server import Served, tenants  # noqa: F401
from test_auth import SECRET, token

OPEN = {"/healthz", "/readyz", "/api/v1", "/api/v1/definitions", "/openapi.json", "/docs"}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_whatever_is_asked(tenants, tmp_path):  # noqa: F811
    """schemathesis on every operation: made up, and bounded; the same each time."""
    with Served(tmp_path, tenants["lake"], tenants["sqlite"], {}) as server:
        command = [pathlib.Path(sys.prefix) / "bin" / "st", "run", server.url + "/openapi.json", "--checks", CHECKS, "--phases", "fuzzing", "--max-examples", "8", "--seed", "1",
                   "--request-timeout", "60", "--exclude-path-regex", "events|sql", "--generation-database", "none", "--no-color"]
        run = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
        assert int(re.search(r"Tested: (\d+)", run.stdout).group(1)) >= 30
        assert "a request failed" not in server.logged()


def test_closed(tenants, tmp_path):  # noqa: F811
    with Served(tmp_path, tenants["lake"], tenants["sqlite"], {"PQR_SERVER_AUTH_JWT_SECRET": SECRET}) as server:
        operations = {(path, method) for path, methods in server.get("/openapi.json").json()["paths"].items() for method in methods}
        assert OPEN <= {path for path, _ in operations} and len(operations) > 30
        anon, user = token(role="anon"), token(app_metadata={"tenant_id": "t1"})
        for path, method in sorted(operations):
            target = re.sub(r"\{[^}]*\}", "x", path)
            if path in OPEN:
                assert server.ask(method.upper(), target).status == 200, path
                continue
            for who in (None, anon):
                answer = server.ask(method.upper(), target, who)
                assert answer.status == 401, (path, answer.status, answer.body)
                assert server.ask(method.upper(), target, who, {"If-None-Match": "*"}).status == 401, path
            # A tenant's user: tables of tenants, and the places where their tickets are told of.
            if not re.search(r"core/(tickets|ticket_events|messages)|gold/daily_kpis|/cases|/tickets/", path):
                assert server.ask(method.upper(), target, user).status in (403, 404), path  # 404: not published
