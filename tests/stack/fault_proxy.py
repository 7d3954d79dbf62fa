#!/usr/bin/env python3
"""A proxy between an S3 client and an S3 server that fails on purpose. Python's standard library only; loopback only.

    fault_proxy.py --to http://127.0.0.1:9000 [--port 0] [--control 0] [--tls DIR] [--seed N] [--log FILE] [--rule RULE]...

Prints `ready PORT CONTROL_PORT` when it listens. A rule is a line of words: a fault, then conditions and arguments.

    timeout                 takes the request, does not pass it on, never answers (seconds=N: closes after N)
    reset                   connection reset before the request is passed on
    reset-request           connection reset in the middle of the request's body
    reset-answer            connection reset in the middle of the answer's body
    answer                  not passed on; answers status=500 code=InternalError (any other: status=503 code=SlowDown)
    error200                not passed on; 200 with an error document inside (code=InternalError)
    lost                    passed on and done by the server, then the connection is reset instead of the answer
    lost-answer             passed on and done by the server, then answered status=500 code=InternalError
    truncate                the answer's head promises the whole body, half of it comes, the connection closes
    corrupt                 one byte in the middle of the answer's body is another
    slow                    the answer's body comes at rate=BYTES a second (default 1000)
    slow-request            the request's body is read at rate=BYTES a second
    delay                   seconds=N before the request is passed on (default 1)
    close                   answered, then the idle connection is closed though it promised to stay
    pass                    nothing; takes the request from the rules after it

    method=PUT              conditions: the request's method
    key=*/_delta_log/*      a pattern for the decoded path, /bucket/key
    query=uploadId=*        a pattern for the query as sent ("query=" matches only a request without one)
    nth=3  nth=2,5  nth=4-  of the requests that match the rule so far, which; counted from 1
    p=0.1                   of those, which share, drawn from the seed
    count=2                 at most so many times

The first rule that applies to a request decides. The control port speaks HTTP: GET /rules, PUT /rules (lines; replaces
them and starts counting anew), DELETE /rules, GET /hits (a JSON list, hits a rule), GET /requests (a JSON list of what
came by). --tls DIR listens with TLS and the certificate DIR/cert.pem, made there with openssl for localhost and
127.0.0.1 (--tls-name for another name) unless it exists.
"""
import argparse
import fnmatch
import http.server
import json
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse

PIECE = 65536
pause = threading.Event().wait  # for so many seconds: some faults are a delay
FAULTS = ("timeout reset reset-request reset-answer answer error200 lost lost-answer truncate corrupt slow slow-request delay close "
          "pass").split()
WORDS = "method key query nth p count status code seconds rate".split()


class Dropped(Exception):
    """The peer closed, or we are to close."""


class Rule:
    def __init__(self, text, seed):
        self.text = text.strip()
        fault, *words = self.text.split()
        if fault not in FAULTS:
            raise ValueError(f"no fault '{fault}': {' '.join(FAULTS)}")
        self.fault, self.args = fault, {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or name not in WORDS:
                raise ValueError(f"no condition '{word}' in '{self.text}'")
            self.args[name] = value
        self.share, self.most = float(self.args.get("p", 1)), int(self.args.get("count", 1 << 60))
        self.which = [self.span(part) for part in self.args.get("nth", "1-").split(",")]
        self.matched = self.hits = 0
        self.random = random.Random(f"{seed} {self.text}")

    @staticmethod
    def span(part):
        first, dash, last = part.partition("-")
        return int(first), (int(last) if last else 1 << 60) if dash else int(first)

    def applies(self, request):
        """Called once a request that no earlier rule took, under the proxy's lock."""
        args = self.args
        if args.get("method", request.method) != request.method:
            return False
        if "key" in args and not fnmatch.fnmatchcase(request.key, args["key"]):
            return False
        if "query" in args and not fnmatch.fnmatchcase(request.query, args["query"]):
            return False
        self.matched += 1
        if not any(first <= self.matched <= last for first, last in self.which):
            return False
        if (self.share < 1 and self.random.random() >= self.share) or self.hits >= self.most:
            return False
        self.hits += 1
        return True


class Rules:
    def __init__(self, seed):
        self.seed, self.lock, self.rules, self.requests, self.log = seed, threading.Lock(), [], [], None

    def replace(self, lines):
        rules = [Rule(line, self.seed) for line in lines if line.strip() and not line.startswith("#")]
        with self.lock:
            self.rules, self.requests = rules, []

    def pick(self, request):
        with self.lock:
            return next((rule for rule in self.rules if rule.applies(request)), None)

    def note(self, request, rule, status):
        entry = {"method": request.method, "key": request.key, "query": request.query, "fault": rule.fault if rule else None,
                 "status": status}
        with self.lock:
            self.requests.append(entry)
            if self.log:
                self.log.write(json.dumps(entry) + "\n")
                self.log.flush()


class Peer:
    """A socket with a buffer."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def fill(self):
        piece = self.sock.recv(PIECE)
        if not piece:
            raise Dropped
        self.buffer += piece

    def head(self):
        """Start line and header lines, as bytes up to and with the empty line."""
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > 1 << 20:
                raise Dropped
            self.fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line + b"\r\n"

    def some(self, most):
        if not self.buffer:
            self.fill()
        piece, self.buffer = self.buffer[:most], self.buffer[most:]
        return piece

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        """RST instead of FIN; under TLS the socket below is what is reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise Dropped


def headers(head):
    found = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return found


class Request:
    def __init__(self, head):
        self.head = head
        self.method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        path, _, self.query = target.partition("?")
        self.key, self.headers = urllib.parse.unquote(path), headers(head)


def body(peer, fields, until_close):
    """The pieces of a body as they are framed on the wire, each with its number of payload bytes."""
    if "chunked" in fields.get("transfer-encoding", "").lower():
        while True:
            line = peer.line()
            left = int(line.split(b";")[0], 16)
            yield line, 0
            if left == 0:
                break
            while left:
                piece = peer.some(left)
                left -= len(piece)
                yield piece, len(piece)
            yield peer.line(), 0
        while line != b"\r\n":  # trailers
            line = peer.line()
            yield line, 0
    elif "content-length" in fields:
        left = int(fields["content-length"])
        while left:
            piece = peer.some(left)
            left -= len(piece)
            yield piece, len(piece)
    elif until_close:
        try:
            while True:
                piece = peer.some(PIECE)
                yield piece, len(piece)
        except Dropped:
            return


def error_document(code):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>made by the fault proxy</Message>'
            "<Resource>/</Resource><RequestId>FAULT</RequestId></Error>").encode()


def error_answer(status, code, method):
    document = error_document(code)
    head = f"HTTP/1.1 {status} Fault\r\nContent-Type: application/xml\r\nContent-Length: {len(document)}\r\nx-amz-request-id: FAULT\r\n\r\n"
    return head.encode() + (b"" if method == "HEAD" else document)


class Connection:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, sock, to, rules):
        self.client, self.to, self.rules, self.server = Peer(sock), to, rules, None

    def serve(self):
        try:
            while True:
                request = Request(self.client.head())
                rule = self.rules.pick(request)
                if not self.one(request, rule, rule.args if rule else {}):
                    return
        except (Dropped, OSError, ValueError):
            pass
        finally:
            for peer in (self.client, self.server):
                if peer:
                    peer.sock.close()

    def one(self, request, rule, args):
        """A request and its answer. False when the connection ends with it."""
        fault = rule.fault if rule else "pass"
        code = args.get("code", "InternalError")
        if fault in ("timeout", "reset"):
            self.rules.note(request, rule, None)
            if fault == "timeout":
                pause(float(args.get("seconds", 86400)))
                return False
            self.client.reset()
        if request.headers.get("expect", "").lower() == "100-continue":
            self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault in ("answer", "error200"):
            self.take(request, args, None)
            status = 200 if fault == "error200" else int(args.get("status", 500))
            self.rules.note(request, rule, status)
            self.client.send(error_answer(status, code, request.method))
            return True
        if fault == "delay":
            pause(float(args.get("seconds", 1)))
        self.take(request, args, fault)
        head, fields = self.answer_head()
        status = int(head.split(b" ", 2)[1])
        self.rules.note(request, rule, status)
        bodiless = request.method == "HEAD" or status in (204, 304)
        pieces = () if bodiless else body(self.server, fields, True)
        framed = bodiless or "content-length" in fields or "transfer-encoding" in fields
        if fault in ("lost", "lost-answer"):
            for _ in pieces:
                pass
            if fault == "lost":
                self.client.reset()
            self.client.send(error_answer(int(args.get("status", 500)), code, request.method))
            return True
        self.client.send(head)
        self.give(pieces, fields, fault, args)
        return framed and fault != "close" and fields.get("connection", "").lower() != "close"

    def take(self, request, args, fault):
        """Read the request's body; pass all of it on unless fault is None."""
        length, done, refused = int(request.headers.get("content-length", 0)), 0, False
        if fault is not None:
            lines = [line for line in request.head.split(b"\r\n") if not line.lower().startswith(b"expect:")]
            self.to_server(b"\r\n".join(lines))
        for piece, count in body(self.client, request.headers, False):
            done += count
            if fault == "reset-request" and done * 2 >= length:
                self.server.sock.close()
                self.rules.note(request, None, None)
                self.client.reset()
            if fault == "slow-request":
                pause(len(piece) / float(args.get("rate", 1000)))
            if fault is not None and not refused:
                try:
                    self.server.send(piece)
                except OSError:  # it answered before it had read everything
                    refused = True
        if fault == "reset-request":  # no body to be in the middle of
            self.client.reset()

    def to_server(self, head):
        """Send a request's head; the server may have closed the idle connection of the request before."""
        for fresh in (False, True):
            if self.server is None or fresh:
                self.server = Peer(socket.create_connection(self.to, timeout=600))
            try:
                self.server.sock.setblocking(False)
                try:
                    if self.server.sock.recv(1, socket.MSG_PEEK) == b"":
                        continue
                except BlockingIOError:
                    pass
                finally:
                    self.server.sock.settimeout(600)
                self.server.send(head)
                return
            except OSError:
                if fresh:
                    raise
        raise Dropped

    def answer_head(self):
        while True:
            head = self.server.head()
            if not head.startswith(b"HTTP/1.1 1"):
                return head, headers(head)

    def give(self, pieces, fields, fault, args):
        length, done = int(fields.get("content-length", 0)), 0
        for piece, count in pieces:
            if count and fault in ("truncate", "reset-answer") and (done + count) * 2 >= length:
                self.client.send(piece[:max(0, length // 2 - done)])
                if fault == "truncate":
                    raise Dropped
                self.client.reset()
            if count and fault == "corrupt" and done <= length // 2 < done + count:
                place = length // 2 - done
                piece = piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1:]
            done += count
            if fault == "slow":
                self.trickle(piece, float(args.get("rate", 1000)))
            else:
                self.client.send(piece)

    def trickle(self, piece, rate):
        step = max(1, int(rate / 10))
        for at in range(0, len(piece), step):
            part = piece[at:at + step]
            self.client.send(part)
            pause(len(part) / rate)


def control_handler(rules):
    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self, status, text):
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self):
            with rules.lock:
                views = {"/rules": "".join(rule.text + "\n" for rule in rules.rules),
                         "/hits": json.dumps([rule.hits for rule in rules.rules]), "/requests": json.dumps(rules.requests)}
            self.reply(200 if self.path in views else 404, views.get(self.path, "no such view\n"))

        def do_PUT(self):
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            try:
                rules.replace(text.splitlines())
                self.reply(200, "")
            except ValueError as error:
                self.reply(400, f"{error}\n")

        def do_DELETE(self):
            rules.replace([])
            self.reply(200, "")

        def log_message(self, *_):
            pass
    return Handler


def certificate(folder, name):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    if not os.path.exists(cert):
        os.makedirs(folder, exist_ok=True)
        names = f"DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", cert],
                       check=True, stderr=subprocess.DEVNULL)
    return cert, key


def listen(arguments):
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=256)
    context = None
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(arguments.tls, arguments.tls_name))
    return listener, context


def handle(sock, context, to, rules):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if context:
            sock = context.wrap_socket(sock, server_side=True)
    except (OSError, ssl.SSLError):
        sock.close()
        return
    Connection(sock, to, rules).serve()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0)
    parser.add_argument("--tls")
    parser.add_argument("--tls-name", default="localhost")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log")
    parser.add_argument("--rule", action="append", default=[])
    arguments = parser.parse_args()
    to = urllib.parse.urlsplit(arguments.to)
    rules = Rules(arguments.seed)
    try:
        rules.replace(arguments.rule)
    except ValueError as error:
        parser.error(str(error))
    if arguments.log:
        rules.log = open(arguments.log, "a", encoding="utf-8")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    listener, context = listen(arguments)
    control = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.control), control_handler(rules))
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print("ready", listener.getsockname()[1], control.server_port, flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=handle, args=(sock, context, (to.hostname, to.port or 80), rules), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
