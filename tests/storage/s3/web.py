"""Small servers with one object, for what a real S3 server never does."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DATA = bytes(range(256)) * 64


@dataclass
class Served:
    """What a server does, and what it saw.

    Attributes
    ----------
    ranges : bool
        Whether it sends parts.
    shift : int
        Bytes by which the parts that it sends lie behind those asked for.
    closes : bool
        Whether it closes each connection after an answer, without saying so.
    connections : set
        Ports of the clients' ends.
    asked : list
        Paths and headers.
    """

    ranges: bool = True
    shift: int = 0
    closes: bool = False
    url: str = ""
    connections: set[int] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def served(what: Served, certificate: Path | None = None) -> Iterator[Served]:
    """Serve `DATA` under every path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            return

        def do_GET(self) -> None:
            what.connections.add(self.client_address[1])
            what.asked.append((self.path, dict(self.headers)))
            body = DATA
            asked = self.headers.get("Range")
            if asked and what.ranges:
                first, last = map(int, asked.removeprefix("bytes=").split("-"))
                first, last = first + what.shift, last + what.shift
                body = DATA[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(DATA)}")
            else:
                self.send_response(200)
            self.send_header("ETag", '"tag"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = what.closes

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    what.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield what
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
