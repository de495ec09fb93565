"""Large reads wait in the kernel; everything else about a socket stays as it was."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from io import DEFAULT_BUFFER_SIZE

import pytest

from cellfolio.storage.places import Place
from cellfolio.storage.remote import Remotes
from cellfolio.storage.s3.connections import _LargeReads
from cellfolio.storage.s3.ranges import RangedReads
from tests.servers.faults import FaultProxy, Throttle
from tests.servers.seaweed import SeaweedServer

LARGE = 10 * DEFAULT_BUFFER_SIZE


@pytest.fixture
def ends() -> Iterator[tuple[_LargeReads, socket.socket]]:
    """Two ends of a connection; the first may wait 0.3 s for the second."""
    one, other = socket.socketpair()
    reader = _LargeReads(fileno=one.detach())
    reader.allow_silence(0.3)
    reader.settimeout(0.3)
    with closing(reader), closing(other):
        yield reader, other


def send_in_pieces(other: socket.socket, data: bytes, count: int) -> threading.Thread:
    def send() -> None:
        size = len(data) // count
        for start in range(0, len(data), size):
            other.sendall(data[start : start + size])
            time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_large_read_takes_all_pieces_at_once(ends: tuple[_LargeReads, socket.socket]) -> None:
    reader, other = ends
    data = bytes(range(256)) * (LARGE // 256)
    thread = send_in_pieces(other, data, 5)
    buffer = bytearray(LARGE)
    assert reader.recv_into(buffer) == LARGE
    assert buffer == data
    thread.join()


def test_a_small_read_takes_what_is_there(ends: tuple[_LargeReads, socket.socket]) -> None:
    reader, other = ends
    other.sendall(b"abc")
    assert reader.recv_into(bytearray(DEFAULT_BUFFER_SIZE)) == 3


def test_silence_ends_a_large_read(ends: tuple[_LargeReads, socket.socket]) -> None:
    reader, other = ends
    with pytest.raises(TimeoutError):
        reader.recv_into(bytearray(LARGE))
    other.sendall(b"abc")
    assert reader.recv_into(bytearray(LARGE)) == 3  # what came before the other side fell silent
    assert reader.gettimeout() == 0.3


def test_an_end_ends_a_large_read(ends: tuple[_LargeReads, socket.socket]) -> None:
    reader, other = ends
    other.sendall(b"abc")
    other.close()
    buffer = bytearray(LARGE)
    assert reader.recv_into(buffer) == 3
    assert reader.recv_into(buffer) == 0


def test_sending_keeps_its_own_time(ends: tuple[_LargeReads, socket.socket]) -> None:
    reader, _ = ends
    with pytest.raises(TimeoutError):
        reader.sendall(bytes(50_000_000))  # nobody reads


@pytest.mark.parametrize("slow", [False, True])
def test_blocks_grow_where_the_connection_is_fast(
    s3: SeaweedServer,
    bucket: str,
    fault_proxy: FaultProxy,
    s3_env: object,
    monkeypatch: pytest.MonkeyPatch,
    slow: bool,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    data = bytes(400_000 if slow else 8_000_000)
    s3.client().put_object(Bucket=bucket, Key="k", Body=data)
    if slow:
        fault_proxy.add(Throttle(rate=300_000))
    span = (0, len(data))
    with RangedReads(Remotes(), lambda: None).open(Place(f"s3://{bucket}", "k"), span) as body:
        sizes = [len(block) for block in body.blocks(1 << 20)]
    assert sum(sizes) == len(data)
    assert sizes[0] == 64 * 1024
    assert max(sizes) == (64 * 1024 if slow else 1 << 20)
