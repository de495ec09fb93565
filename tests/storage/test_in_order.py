"""Hashing in order while parts arrive in any order."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.package.digests import Scheme, digest_of, scheme
from cellfolio.storage.in_order import InOrder
from cellfolio.storage.parts import Part, PartFile

PART = 16


def go_on() -> None:
    """A check that never stops anything."""


class Writer:
    """One part on its way: blocks of any length, begun anew now and then."""

    def __init__(self, number: int, data: bytes, file: int, hashing: InOrder) -> None:
        self.number = number
        self.start = self.offset = number * PART
        self.stop = min(self.start + PART, len(data))
        self._data = data
        self._file = file
        self._hashing = hashing
        self.done = False

    def step(self, count: int, *, damage: bool) -> None:
        """Write some bytes; after the last, note the part as complete."""
        block = self._data[self.offset : min(self.offset + count, self.stop)]
        if damage:
            block = bytes(255 - byte for byte in block)
        view = self._hashing.not_hashed(self.offset, memoryview(block))
        self.offset += len(block)
        os.pwrite(self._file, view, self.offset - len(view))
        self._hashing.take(self.number, self.offset - len(view), view, go_on)
        if self.offset == self.stop:
            self._hashing.complete(self.number)
            self._hashing.go_on(go_on)
            self.done = True

    def begin_anew(self) -> None:
        self.offset = self.start


@pytest.mark.slow
@given(st.binary(min_size=1, max_size=6 * PART), st.data())
def test_any_interleaving_gives_the_digest_of_the_file(data: bytes, draw: st.DataObject) -> None:
    """Parts come in any order, in blocks of any length; some begin anew, with other bytes."""
    with tempfile.TemporaryFile() as opened:
        file = opened.fileno()
        os.ftruncate(file, len(data))
        hashing = InOrder(scheme("MD5", len(data)), file, PART, len(data))
        writers = [Writer(n, data, file, hashing) for n in range(-(-len(data) // PART))]
        kept = draw.draw(st.sets(st.sampled_from(writers)), label="complete before")
        for writer in kept:
            os.pwrite(file, data[writer.start : writer.stop], writer.start)
            hashing.complete(writer.number)
        left, damaged = [writer for writer in writers if writer not in kept], False
        while left:
            writer = draw.draw(st.sampled_from(left))
            if draw.draw(st.integers(0, 9)) == 0:
                writer.begin_anew()
            damage = draw.draw(st.integers(0, 19)) == 0
            damaged |= damage
            writer.step(draw.draw(st.integers(1, PART)), damage=damage)
            left = [one for one in left if not one.done]
        found = hashing.digest(go_on)
        held = os.pread(file, len(data), 0)
        assert found.value == hashlib.md5(held).hexdigest()
        assert damaged or held == data


def test_parts_from_many_threads_give_the_digest(tmp_path: Path) -> None:
    size = 5 * 8 * 2**20 + 77
    data = random.Random(1).randbytes(size)
    digest = digest_of(data, "MD5")
    for seed in range(3):
        path = tmp_path / f"{seed}.part"

        def fetch(part: Part, parts: PartFile, chance: random.Random) -> None:
            time.sleep(chance.random() / 50)
            assert parts.accept("tag")
            writer = parts.begin(part)
            while writer.offset < part.stop:
                stop = min(writer.offset + chance.randrange(1, 2**20), part.stop)
                writer.add(memoryview(data)[writer.offset : stop])
            writer.finish()

        # The first run ends with some parts; another goes on with the others.
        for count in (3, 6):
            with closing(PartFile(path, size, digest)) as parts, ThreadPoolExecutor(6) as pool:
                missing = random.Random(seed).sample(parts.missing(), len(parts.missing()))
                for part in missing[:count]:
                    pool.submit(fetch, part, parts, random.Random(part.number))
                pool.shutdown()
                if not parts.missing():
                    assert parts.found_digest() == digest
        assert not parts.missing()
        assert path.read_bytes() == data


class _SlowMd5:
    """An MD5 that waits, in its first bytes, until it is told to go on."""

    def __init__(self, begun: threading.Event, go: threading.Event) -> None:
        self._hash = hashlib.md5()
        self._begun, self._go = begun, go

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        self._begun.set()
        assert self._go.wait(30)
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


def blocks_of(data: bytes) -> Iterator[tuple[int, memoryview]]:
    for start in range(0, len(data), PART):
        yield start // PART, memoryview(data)[start : start + PART]


def test_no_thread_waits_for_one_that_hashes() -> None:
    data = bytes(range(4 * PART))
    begun, go = threading.Event(), threading.Event()
    how = Scheme("MD5", None, lambda: _SlowMd5(begun, go), lambda leaves: leaves[0].hex())
    with tempfile.TemporaryFile() as opened, ThreadPoolExecutor(1) as pool:
        file = opened.fileno()
        os.pwrite(file, data, 0)
        hashing = InOrder(how, file, PART, len(data))
        (first, block), *others = blocks_of(data)
        hasher = pool.submit(hashing.take, first, 0, block, go_on)
        assert begun.wait(30)
        for number, block in others:
            assert hashing.not_hashed(number * PART, block) == block
            hashing.take(number, number * PART, block, go_on)
            hashing.complete(number)
            hashing.go_on(go_on)
        assert not hasher.done()
        go.set()
        hasher.result(30)
        hashing.complete(first)
        assert hashing.digest(go_on).value == hashlib.md5(data).hexdigest()
