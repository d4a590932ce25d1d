"""A web server on this machine that answers as a test says: with documents, slowly, wrongly, or not at all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class JsonServer:
    """What the server answers, by path with its query, and what it was asked."""

    port: int = 0
    documents: dict[str, object] = field(default_factory=dict)
    """Those that are answered as JSON."""
    raw: dict[str, bytes] = field(default_factory=dict)
    """Those that are answered as they are."""
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    """How long to wait after each byte of an answer."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Each path, with the authorization that came with it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path in self.redirects:
            return 302, {"Location": self.redirects[path]}, b""
        if path in self.statuses:
            return self.statuses[path], {}, b"<html>"
        if path in self.raw:
            return 200, {}, self.raw[path]
        if path in self.documents:
            return 200, {"Content-Type": "application/json"}, json.dumps(self.documents[path]).encode()
        return 404, {}, b"no such document"


@contextmanager
def json_server() -> Iterator[JsonServer]:
    served = JsonServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization", "")))
            time.sleep(served.delay_s)
            status, headers, body = served.answer(self.path)
            try:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                for position in range(len(body)) if served.drip_s else ():
                    self.wfile.write(body[position : position + 1])
                    time.sleep(served.drip_s)
                if not served.drip_s:
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client did not wait for it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
