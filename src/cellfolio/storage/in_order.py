"""Hashing a file from its start to its end while its parts arrive in any order.

For digests whose leaves are not the parts, such as MD5. Hashing stands at one position. What
arrives there is hashed on its way, while it is in the processor's cache; what came before its turn
is read back from the file.

Rule 1: at any moment at most one thread hashes, and no thread waits for it.
Rule 2: of a part that is not complete, only the thread that writes it hashes, and bytes that were
hashed are not written again. So what was hashed is what the file has.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from cellfolio.package.digests import Buffer, Digest, Hasher, Scheme

_BLOCK = 256 * 1024
"""Bytes read back at a time: small enough for the processor's cache (measured)."""


class InOrder:
    """The hash of a file that is still arriving; safe for threads.

    Parameters
    ----------
    how : Scheme
    file : int
        Descriptor of the file.
    part_size : int
        Bytes of each part but the last.
    size : int
        Bytes of the file.
    """

    def __init__(self, how: Scheme, file: int, part_size: int, size: int) -> None:
        self._hasher = Hasher(how)
        self._file = file
        self._part_size = part_size
        self._size = size
        self._complete: set[int] = set()
        self._position = 0
        self._busy = False
        self._lock = threading.Lock()

    def not_hashed(self, offset: int, data: memoryview) -> memoryview:
        """Return what of arriving bytes may be written: the end that is not hashed yet."""
        return data[min(max(self._position - offset, 0), len(data)) :]

    def take(self, number: int, offset: int, data: Buffer, check: Callable[[], None]) -> None:
        """Hash bytes of a part that its thread has just written, if it is their turn.

        Parameters
        ----------
        number : int
            Of the part.
        offset : int
            In the file.
        data : buffer
        check : callable
            Called often; may raise to stop.
        """
        stop = offset + len(data)
        with self._lock:
            turn = not self._busy and self._position // self._part_size == number
            if not turn or self._position >= stop:
                return
            self._busy = True
        try:
            self._read_back(offset, check)
            self._hasher.update(memoryview(data)[self._position - offset :])
            self._position = stop
        finally:
            self._busy = False

    def complete(self, number: int) -> None:
        """Note a part as whole in the file; it is not written again."""
        with self._lock:
            self._complete.add(number)

    def go_on(self, check: Callable[[], None]) -> None:
        """Hash the complete parts whose turn it is, if no other thread does."""
        while (stop := self._claim()) is not None:
            try:
                self._read_back(stop, check)
            finally:
                self._busy = False

    def digest(self, check: Callable[[], None]) -> Digest:
        """Return the digest of the file, all of whose parts are complete; no thread writes."""
        self.go_on(check)
        assert self._position == self._size
        return self._hasher.digest()

    def _claim(self) -> int | None:
        """Begin to hash, if a complete part is next and no thread hashes; return its end."""
        with self._lock:
            number = self._position // self._part_size
            if self._busy or number not in self._complete or self._position >= self._size:
                return None
            self._busy = True
            return min((number + 1) * self._part_size, self._size)

    def _read_back(self, stop: int, check: Callable[[], None]) -> None:
        """Hash from where hashing stands to `stop`, out of the file."""
        if self._position >= stop:
            return
        buffer = memoryview(bytearray(min(_BLOCK, stop - self._position)))
        while self._position < stop:
            check()
            wanted = buffer[: min(len(buffer), stop - self._position)]
            count = os.preadv(self._file, [wanted], self._position)
            if not count:
                raise OSError(f"the file ended at {self._position}, before {stop}")
            self._hasher.update(wanted[:count])
            self._position += count
