"""Each fault of tests/stack/fault_proxy.py, seen from a client: what arrives, and what the server behind it was asked."""
import http.client
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time

import pytest

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault_proxy.py")
BODY = bytes(range(256)) * 64


class Origin(http.server.BaseHTTPRequestHandler):
    """Keeps what is put, gives it back; ?chunked answers in chunks."""
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):  # the client went away
            self.close_connection = True
            return
        self.server.stored[self.path] = body
        self.server.seen.append("PUT " + self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.seen.append("GET " + self.path)
        body = self.server.stored.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        body = body or b""
        if self.path.endswith("?chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 1000):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body[at:at + 1000]), body[at:at + 1000]))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def log_message(self, *_):
        pass


class Proxy:
    def __init__(self, origin, *arguments):
        self.process = subprocess.Popen([sys.executable, PROXY, "--to", f"http://127.0.0.1:{origin.server_port}", *arguments],
                                        stdout=subprocess.PIPE, text=True)
        word, port, control = self.process.stdout.readline().split()
        assert word == "ready"
        self.port, self.control_port = int(port), int(control)

    def client(self, timeout=20):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=20)
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def rules(self, *lines):
        assert self.control("PUT", "/rules", "\n".join(lines)) == (200, "")


@pytest.fixture(name="origin")
def fixture_origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    server.stored, server.seen = {"/b/k": BODY}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(name="proxy")
def fixture_proxy(origin):
    proxy = Proxy(origin, "--seed", "7")
    yield proxy
    proxy.process.terminate()
    proxy.process.wait()


def ask(client, method, path, body=None):
    client.request(method, path, body)
    answer = client.getresponse()
    return answer.status, answer.read()


def test_passes_all_kinds_of_bodies_on_one_connection(proxy, origin):
    client = proxy.client()
    assert ask(client, "PUT", "/b/new", BODY * 100) == (200, b"")
    sock = client.sock
    assert ask(client, "GET", "/b/new") == (200, BODY * 100)
    assert ask(client, "GET", "/b/new?chunked") == (200, BODY * 100)
    assert ask(client, "HEAD", "/b/new") == (200, b"")
    assert ask(client, "GET", "/b/none") == (404, b"")
    assert client.sock is sock
    assert origin.seen == ["PUT /b/new", "GET /b/new", "GET /b/new?chunked", "GET /b/none"]


def test_answers_instead_of_the_server(proxy, origin):
    proxy.rules("answer status=503 code=SlowDown method=PUT nth=1", "error200 method=PUT nth=1", "answer method=GET count=1")
    client = proxy.client()
    status, document = ask(client, "PUT", "/b/new", BODY)
    assert status == 503 and b"<Code>SlowDown</Code>" in document
    status, document = ask(client, "PUT", "/b/new", BODY)
    assert status == 200 and b"<Error><Code>InternalError</Code>" in document
    assert origin.seen == []
    assert ask(client, "PUT", "/b/new", BODY) == (200, b"")
    assert ask(client, "GET", "/b/k")[0] == 500
    assert ask(client, "GET", "/b/k") == (200, BODY)
    assert json.loads(proxy.control("GET", "/hits")[1]) == [1, 1, 1]


def test_resets(proxy, origin):
    for rule, method, body, asked in (("reset", "PUT", BODY, []), ("reset-request", "PUT", BODY * 40, []), ("lost", "PUT", BODY, ["PUT /b/x"])):
        proxy.rules(rule)
        origin.seen.clear()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            ask(proxy.client(), method, "/b/x", body)
        assert origin.seen == asked, rule
    assert origin.stored["/b/x"] == BODY  # lost: done all the same
    proxy.rules("reset-answer")
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        ask(proxy.client(), "GET", "/b/k")


def test_success_answered_as_failure(proxy, origin):
    proxy.rules("lost-answer status=503 code=SlowDown")
    assert ask(proxy.client(), "PUT", "/b/x", BODY)[0] == 503
    assert origin.stored["/b/x"] == BODY


def test_truncated_and_corrupt(proxy):
    proxy.rules("truncate nth=1", "corrupt")
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy.client(), "GET", "/b/k")
    assert caught.value.partial == BODY[:len(BODY) // 2]
    status, got = ask(proxy.client(), "GET", "/b/k")
    assert status == 200 and len(got) == len(BODY) and sum(a != b for a, b in zip(got, BODY)) == 1


def test_time(proxy):
    proxy.rules("timeout nth=1", "slow rate=32768 nth=1", "slow-request rate=32768 method=PUT", "delay seconds=0.5")
    with pytest.raises(TimeoutError):
        ask(proxy.client(timeout=0.5), "GET", "/b/k")
    for method, body in (("GET", None), ("PUT", BODY), ("GET", None)):  # 16 KiB at 32 KiB/s, twice, then the delay
        begin = time.monotonic()
        assert ask(proxy.client(), method, "/b/k", body)[0] == 200
        assert time.monotonic() - begin > 0.4


def test_closes_an_idle_connection(proxy):
    proxy.rules("close nth=1")
    client = proxy.client()
    client.request("GET", "/b/k")
    answer = client.getresponse()
    assert answer.read() == BODY and not answer.will_close
    assert client.sock.recv(1) == b""


def test_conditions(proxy):
    proxy.rules("answer method=PUT key=/b/*/_delta_log/* nth=2-3", "answer status=404 query=uploadId=*", "answer status=409 query= key=/b/exact")
    client = proxy.client()
    got = [ask(client, "PUT", f"/b/t/_delta_log/{n}.json", b"x")[0] for n in range(4)]
    assert got == [200, 500, 500, 200]
    assert ask(client, "PUT", "/b/a%20key?uploadId=7", b"x")[0] == 404
    assert ask(client, "PUT", "/b/exact?other", b"x")[0] == 200
    assert ask(client, "PUT", "/b/exact", b"x")[0] == 409
    seen = json.loads(proxy.control("GET", "/requests")[1])
    assert [entry["status"] for entry in seen] == [200, 500, 500, 200, 404, 200, 409]
    assert seen[4]["key"] == "/b/a key" and seen[4]["fault"] == "answer"


def test_chance_is_the_seeds(origin):
    def draw(seed):
        proxy = Proxy(origin, "--seed", seed, "--rule", "answer p=0.3")
        client = proxy.client()
        got = [ask(client, "GET", "/b/k")[0] for _ in range(60)]
        proxy.process.terminate()
        proxy.process.wait()
        return got
    first = draw("1")
    assert first == draw("1") and first != draw("2") and 5 < first.count(500) < 35


def test_refuses_bad_rules(proxy, origin):
    status, text = proxy.control("PUT", "/rules", "explode key=*")
    assert status == 400 and "explode" in text
    assert proxy.control("PUT", "/rules", "reset kye=*")[0] == 400
    done = subprocess.run([sys.executable, PROXY, "--to", f"http://127.0.0.1:{origin.server_port}", "--rule", "explode"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "explode" in done.stderr


def test_tls(origin, tmp_path):
    for name, good in (("localhost", True), ("elsewhere.example", False)):
        folder = tmp_path / name
        proxy = Proxy(origin, "--tls", str(folder), "--tls-name", name, "--rule", "reset nth=2")
        context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        client = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=20)
        if good:
            assert ask(client, "GET", "/b/k") == (200, BODY)
            with pytest.raises((ConnectionResetError, ssl.SSLError)):
                ask(client, "GET", "/b/k")
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                ask(client, "GET", "/b/k")
        untrusting = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=ssl.create_default_context(), timeout=20)
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(untrusting, "GET", "/b/k")
        proxy.process.terminate()
        proxy.process.wait()
