"""Digests: how each system names the bytes of a file, computed while the bytes stream by.

Every algorithm here is a small tree: the bytes are cut into leaves of a fixed size, each leaf is
hashed, and the leaf digests are combined. Most algorithms have one leaf. Where there are several,
they can be hashed in any order, so that the parts of a large file are verified while they arrive
in parallel.

=================== ============================ ==========================================
algorithm           leaves                       value
=================== ============================ ==========================================
``SHA256``          one                          hexadecimal
``sha2-256-chunked`` 8 MiB, doubled until there  base64 of SHA-256 over the leaf digests
                    are at most 10,000
``CRC64NVME``       one                          base64 of 8 bytes, big endian
``MD5``             one                          hexadecimal
``ETag``            the parts of the upload      MD5 in hexadecimal; with several parts, of
                                                 the leaf digests, then ``-`` and their number
=================== ============================ ==========================================

References
----------
Quilt 3 manifests (quilt3 8.0.0) for the first three; Amazon S3 multipart uploads for ``ETag``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from cellfolio.errors import InvalidArgument

MIB = 1024 * 1024
CHUNK_SIZE = 8 * MIB
"""Smallest leaf of ``sha2-256-chunked`` and the customary part of an S3 upload, in bytes."""
MAX_CHUNKS = 10_000
MAX_PART_SIZES = 16
"""Part sizes tried at most for one multipart ETag: each costs a pass over the file."""
DEFAULT_ALGORITHM = "sha2-256-chunked"
ALGORITHMS = ("SHA256", "sha2-256-chunked", "CRC64NVME", "MD5", "ETag")

Buffer = bytes | bytearray | memoryview

_COUNT = re.compile(r"0*[1-9][0-9]{0,8}")
_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as a manifest states it: algorithm and value.

    Parameters
    ----------
    algorithm : str
        One of `ALGORITHMS`, or a name this version does not know (kept, not checkable).
    value : str
        In the algorithm's own notation.

    Examples
    --------
    >>> digest_of(b"hello")
    Digest(algorithm='sha2-256-chunked', value='lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=')
    """

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read ``algorithm:value``.

        Raises
        ------
        InvalidArgument
            If there is no colon.

        Examples
        --------
        >>> Digest.parse("MD5:5d41402abc4b2a76b9719d911017c592").algorithm
        'MD5'
        """
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise InvalidArgument(f"{text!r} is not a digest; expected 'algorithm:value'")
        return cls(algorithm, value)

    @property
    def checkable(self) -> bool:
        """Whether this version can compute the algorithm."""
        return self.algorithm in ALGORITHMS

    @property
    def parts(self) -> int | None:
        """Number of upload parts in a multipart ETag, else None."""
        if self.algorithm == "ETag" and "-" in self.value:
            count = self.value.rpartition("-")[2]
            return int(count) if _COUNT.fullmatch(count) else None
        return None


class _Leaf(Protocol):
    def update(self, data: Buffer, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc64Nvme:
    """CRC-64/NVME with the interface of `hashlib`."""

    def __init__(self) -> None:
        from awscrt.checksums import crc64nvme

        self._function = crc64nvme
        self._value = 0

    def update(self, data: Buffer, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(8, "big")


def _md5() -> _Leaf:
    return hashlib.md5(usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How to compute one algorithm over a file of known size.

    Parameters
    ----------
    algorithm : str
    leaf_size : int or None
        Bytes per leaf; None where one leaf covers the file.
    new_leaf : callable
        Makes a hash object for one leaf.
    combine : callable
        Turns the leaf digests, in order, into the digest's value.
    """

    algorithm: str
    leaf_size: int | None
    new_leaf: Callable[[], _Leaf]
    combine: Callable[[Sequence[bytes]], str]

    def digest(self, leaves: Sequence[bytes]) -> Digest:
        """Return the digest of a file whose leaf digests are `leaves`, in order."""
        return Digest(self.algorithm, self.combine(leaves))


def _only_hex(leaves: Sequence[bytes]) -> str:
    return leaves[0].hex()


def _only_base64(leaves: Sequence[bytes]) -> str:
    return base64.b64encode(leaves[0]).decode()


def _sha256_of_leaves(leaves: Sequence[bytes]) -> str:
    return base64.b64encode(hashlib.sha256(b"".join(leaves)).digest()).decode()


def _md5_of_leaves(leaves: Sequence[bytes]) -> str:
    joined = hashlib.md5(b"".join(leaves), usedforsecurity=False).hexdigest()
    return f"{joined}-{len(leaves)}"


def chunk_size(size: int) -> int:
    """Return the leaf size in bytes of ``sha2-256-chunked`` for a file of `size` bytes.

    Examples
    --------
    >>> chunk_size(0) // MIB, chunk_size(80_000 * MIB) // MIB, chunk_size(80_000 * MIB + 1) // MIB
    (8, 8, 16)
    """
    chunk = CHUNK_SIZE
    while -(-size // chunk) > MAX_CHUNKS:
        chunk *= 2
    return chunk


def scheme(algorithm: str, size: int, *, part_size: int | None = None) -> Scheme:
    """Return how to compute `algorithm` over a file of `size` bytes.

    Parameters
    ----------
    algorithm : str
        One of `ALGORITHMS`.
    size : int
        Bytes.
    part_size : int, optional
        For ``ETag`` only: bytes per upload part; None for an object put in one request.

    Raises
    ------
    InvalidArgument
        If the algorithm is not known.
    """
    match algorithm:
        case "SHA256":
            return Scheme(algorithm, None, hashlib.sha256, _only_hex)
        case "sha2-256-chunked":
            return Scheme(algorithm, chunk_size(size), hashlib.sha256, _sha256_of_leaves)
        case "CRC64NVME":
            return Scheme(algorithm, None, _Crc64Nvme, _only_base64)
        case "MD5":
            return Scheme(algorithm, None, _md5, _only_hex)
        case "ETag" if part_size is None:
            return Scheme(algorithm, None, _md5, _only_hex)
        case "ETag":
            return Scheme(algorithm, part_size, _md5, _md5_of_leaves)
    raise InvalidArgument(
        f"digest algorithm {algorithm!r} is not known; expected one of {', '.join(ALGORITHMS)}"
    )


def schemes(digest: Digest, size: int) -> Iterator[Scheme]:
    """Yield every scheme that may have made `digest`, the likeliest first; at least one.

    There is one for each algorithm but a multipart ETag, which does not tell its part size:
    `infer_part_sizes` lists those that fit. Where none fits, because so few bytes cannot have so
    many parts, the one scheme gives another digest.
    """
    if digest.parts is None:
        yield scheme(digest.algorithm, size)
        return
    fitting = [*islice(infer_part_sizes(size, digest.parts), MAX_PART_SIZES)]
    for part_size in fitting or [max(size, 1)]:
        yield scheme("ETag", size, part_size=part_size)


def infer_part_sizes(size: int, parts: int) -> Iterator[int]:
    """Yield the part sizes, in bytes, that cut `size` bytes into `parts` parts, likeliest first.

    First 8 MiB and the other powers of two that upload tools use, then every whole number of MiB,
    then whole megabytes (10^6), then the even division.

    Examples
    --------
    >>> [p // MIB for p in infer_part_sizes(50 * MIB, 7)][:1]
    [8]
    >>> [p // MIB for p in infer_part_sizes(50 * MIB, 4)][:3]
    [16, 13, 14]
    """
    if parts == 1:
        yield max(size, 1)
        return
    smallest = -(-size // parts)
    largest = -(-size // (parts - 1)) - 1

    def fitting() -> Iterator[int]:
        for power in (8, 16, 32, 64, 128, 256, 512, 1024, 4, 2, 1):
            yield power * MIB
        for unit in (MIB, 1_000_000):
            yield from (unit * n for n in range(-(-smallest // unit), largest // unit + 1))
        yield smallest

    seen = set()
    for part_size in fitting():
        if smallest <= part_size <= largest and part_size not in seen:
            seen.add(part_size)
            yield part_size


class Hasher:
    """Streaming hasher for one scheme.

    Parameters
    ----------
    how : Scheme
        From `scheme` or `schemes`.

    Examples
    --------
    >>> hasher = Hasher(scheme("MD5", 5))
    >>> hasher.update(b"hel"); hasher.update(b"lo")
    >>> str(hasher.digest())
    'MD5:5d41402abc4b2a76b9719d911017c592'
    """

    def __init__(self, how: Scheme) -> None:
        self._how = how
        self._leaves: list[bytes] = []
        self._leaf: _Leaf | None = None
        self._room = 0

    def update(self, data: Buffer) -> None:
        """Take the next bytes."""
        leaf_size = self._how.leaf_size
        if leaf_size is None:
            if self._leaf is None:
                self._leaf = self._how.new_leaf()
            self._leaf.update(data)
            return
        view = memoryview(data)
        while view:
            if self._leaf is None:
                self._leaf, self._room = self._how.new_leaf(), leaf_size
            taken = view[: self._room]
            self._leaf.update(taken)
            self._room -= len(taken)
            view = view[len(taken) :]
            if not self._room:
                self._close_leaf()

    def leaves(self) -> list[bytes]:
        """Finish, and return the leaf digests in order."""
        if self._leaf is not None:
            self._close_leaf()
        if not self._leaves and self._how.algorithm != "sha2-256-chunked":
            self._leaves = [self._how.new_leaf().digest()]
        return self._leaves

    def digest(self) -> Digest:
        """Finish, and return the digest of all bytes taken."""
        return self._how.digest(self.leaves())

    def _close_leaf(self) -> None:
        assert self._leaf is not None
        self._leaves.append(self._leaf.digest())
        self._leaf = None


def hash_blocks(
    digest: Digest, size: int, read: Callable[[], Iterator[Buffer]]
) -> tuple[Digest, int]:
    """Compute `digest`'s algorithm over a file, trying every scheme that may have made it.

    Parameters
    ----------
    digest : Digest
        What is expected; decides algorithm and, for multipart ETags, the part sizes tried.
    size : int
        Expected size in bytes.
    read : callable
        Called once per scheme tried; returns the file's blocks in order.

    Returns
    -------
    Digest
        Equal to `digest` if any scheme gives it, else what the likeliest scheme gave.
    int
        Bytes read.
    """
    first: tuple[Digest, int] | None = None
    for how in schemes(digest, size):
        hasher, count = Hasher(how), 0
        for block in read():
            hasher.update(block)
            count += len(block)
        found = hasher.digest(), count
        if found[0] == digest or count != size:
            return found
        first = first or found
    assert first is not None
    return first


def digest_of(data: Buffer, algorithm: str = DEFAULT_ALGORITHM) -> Digest:
    """Return the digest of bytes in memory.

    Examples
    --------
    >>> str(digest_of(b"", "CRC64NVME"))
    'CRC64NVME:AAAAAAAAAAA='
    """
    hasher = Hasher(scheme(algorithm, len(data)))
    hasher.update(data)
    return hasher.digest()


def equal_digests(digest: Digest, size: int) -> tuple[Digest, ...]:
    """Return the digests under which the same bytes are known, without reading them.

    Of a file of one chunk (at most 8 MiB) ``sha2-256-chunked`` is SHA-256 applied twice, so its
    ``SHA256`` gives it; a plain ``ETag`` is an ``MD5``.

    Examples
    --------
    >>> [str(d)[:20] for d in equal_digests(digest_of(b"hello", "SHA256"), 5)]
    ['SHA256:2cf24dba5fb0a', 'sha2-256-chunked:lZX']
    """
    same = [digest]
    hexadecimal = _SHA256_HEX.fullmatch(digest.value) is not None
    if digest.algorithm == "SHA256" and hexadecimal and 0 < size <= CHUNK_SIZE:
        same.append(Digest("sha2-256-chunked", _sha256_of_leaves([bytes.fromhex(digest.value)])))
    elif digest.algorithm == "MD5":
        same.append(Digest("ETag", digest.value))
    elif digest.algorithm == "ETag" and digest.parts is None:
        same.append(Digest("MD5", digest.value))
    return tuple(same)
