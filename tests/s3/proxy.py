"""A proxy in front of an S3 server, in which a test makes the network misbehave.

It passes on what it gets. A rule, tried on each request first, may answer in place of the server, cut the
connection before or after the server has done its part, or wait for something before it goes on.
"""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


@dataclass
class Request:
    """A request as it came: `send` gives it to the server and returns the server's answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    _upstream: str

    def send(self) -> "Answer":
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request(self.method, self.path, self.body or None, self.headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class NoAnswer(Exception):
    """What a rule raises to cut the connection."""


#: Answers a request, or None where the rule does not concern it.
Rule = Callable[[Request], Answer | None]


class Proxy(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1; `rules` may be changed at any time."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream.removeprefix("http://")
        self.rules: list[Rule] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, request: Request) -> Answer:
        answers = (rule(request) for rule in self.rules)
        return next((answer for answer in answers if answer), None) or request.send()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        proxy = cast(Proxy, self.server)
        request = Request(self.command, self.path, headers, body, proxy.upstream)
        try:
            answer = proxy.answer(request)
        except NoAnswer:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

    def log_message(self, format: str, *args) -> None:
        pass


def on(method: str, ending: str, do: Callable[[Request], Answer | None]) -> Rule:
    """A rule for requests of one method to keys that end in a certain way."""

    def rule(request: Request) -> Answer | None:
        path = request.path.split("?")[0]
        return do(request) if request.method == method and path.endswith(ending) else None

    return rule
