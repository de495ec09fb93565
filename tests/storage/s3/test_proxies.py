"""Ways to a server: proxies that the environment names, and TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cellfolio.errors import ServerUnreachable
from cellfolio.storage.clients import S3Access, s3_access
from cellfolio.storage.places import Place
from cellfolio.storage.remote import Body, Remotes
from cellfolio.storage.s3 import transport
from cellfolio.storage.s3.ranges import RangedReads
from cellfolio.storage.s3.transport import Request, S3Bucket, open_bucket
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer
from tests.storage.s3.web import DATA, Served, served

LIST = {"list-type": "2"}


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for loopback that this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate")
    path = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    path.write_text("".join((tmp_path / n).read_text() for n in ("key.pem", "certificate.pem")))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transport, "PAUSES", ())
    return path


@contextmanager
def tunnel() -> Iterator[tuple[str, list[str]]]:
    """A proxy that only connects; give its address and the first lines and headers it read."""
    heads: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with source, sink:
            while block := source.recv(65536):
                sink.sendall(block)

    def serve() -> None:
        client, _ = listener.accept()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        heads.append(head.decode())
        host, port = head.split(b" ")[1].decode().split(":")
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        other = threading.Thread(target=pump, args=(server.dup(), client.dup()), daemon=True)
        other.start()
        pump(client, server)
        other.join(5)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        listener.close()
        thread.join(5)


def ask(bucket: S3Bucket) -> bytes:
    return bucket.ask(Request("GET", Place("s3://any", "x"))).data


def test_tls_is_checked(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Served(), certificate) as server:
        assert ask(S3Bucket(S3Access(server.url, "us-east-1", None))) == DATA
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ServerUnreachable, match="certificate verify failed"):
            ask(S3Bucket(S3Access(server.url, "us-east-1", None)))


def test_tls_goes_through_a_tunnel(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Served(), certificate) as server, tunnel() as (address, heads):
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass%40word@{address}")
        bucket = S3Bucket(S3Access(server.url, "us-east-1", None))
        assert ask(bucket) == ask(bucket) == DATA
        bucket.close()
    (head,) = heads
    assert head.startswith(f"CONNECT {server.url.removeprefix('https://')} ")
    assert "Proxy-Authorization: Basic dXNlcjpwYXNzQHdvcmQ=" in head
    assert "Authorization" not in server.asked[0][1]


def test_plain_requests_go_through_a_proxy(
    s3: SeaweedServer,
    bucket: str,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3.client().put_object(Bucket=bucket, Key="x", Body=DATA)
    access = s3_access(bucket, "us-east-1")
    assert access is not None
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", fault_proxy.endpoint)
    requests = S3Bucket(access)
    assert requests.ask(Request("GET", Place(f"s3://{bucket}", "x"))).data == DATA
    assert b"<Key>x</Key>" in requests.ask(Request("GET", Place(f"s3://{bucket}", ""), LIST)).data
    assert fault_proxy.count("GET") == 2


def test_parts_are_read_by_the_client_where_there_is_a_proxy(
    s3: SeaweedServer,
    bucket: str,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3.client().put_object(Bucket=bucket, Key="x", Body=DATA)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", fault_proxy.endpoint)
    with RangedReads(Remotes(), lambda: None).open(Place(f"s3://{bucket}", "x"), (3, 9)) as body:
        assert isinstance(body, Body)
        assert b"".join(map(bytes, body.blocks(100))) == DATA[3:9]
    assert fault_proxy.count("GET") == 1


def test_a_proxy_that_only_the_client_can_use_is_left_to_it(
    bucket: str, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", "https://127.0.0.1:9")
    assert open_bucket(f"s3://{bucket}", Remotes()) is None
