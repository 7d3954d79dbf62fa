"""A service that keeps what is posted to it, and one that takes connections and never answers."""

import contextlib
import http.server
import json
import socket
import threading


class Receiver:
    """answers: the status of each request in turn; the last one stays. document: what a GET gets, as a function."""

    def __init__(self, answers=(200,), document=None):
        self.requests, self.fetched, self.answers, self.lock = [], [], list(answers), threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    status = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                    outer.requests.append((self.path, dict(self.headers), body, status))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def do_GET(self):
                body = json.dumps(document()).encode()
                outer.fetched.append(self.path)
                self.send_response(outer.answers[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def documents(self):
        return [json.loads(body) for _, _, body, status in self.requests if status // 100 == 2]


@contextlib.contextmanager
def hanging():
    """The address of a service whose queue of connections takes all and answers none."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def nobody():
    """An address where nothing listens: bound, so that nobody else takes it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
