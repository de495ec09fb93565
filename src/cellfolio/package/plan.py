"""What to do, decided before anything is done: which bytes to fetch, which files to put where.

These functions are pure. `cellfolio.storage` finds out what is held and what lies in a folder,
asks here, and carries out the answer.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from cellfolio.errors import InvalidArgument
from cellfolio.package.digests import ALGORITHMS, Digest
from cellfolio.package.entry import Entry

_BASE64_BYTES = {"sha2-256-chunked": 32, "CRC64NVME": 8}
_AT = "at "
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,128}")


def blob_id(digest: Digest, size: int | None, physical_key: str) -> str:
    """Return the name under which the store keeps the bytes of a digest.

    The same bytes promised under the same algorithm have the same name wherever they come from,
    so they are stored once. A CRC is a checksum, not a promise that nobody can forge: its name
    also tells the place the bytes came from, so that one source cannot stand in for another.

    Parameters
    ----------
    digest : Digest
    size : int or None
        Bytes.
    physical_key : str
        URI of the bytes.

    Returns
    -------
    str
        ``algorithm/hexadecimal``, safe as a file name on every system.

    Raises
    ------
    InvalidArgument
        If the algorithm is not one of `ALGORITHMS`.

    Examples
    --------
    >>> blob_id(Digest("MD5", "5d41402abc4b2a76b9719d911017c592"), 5, "s3://b/k")
    'MD5/5d41402abc4b2a76b9719d911017c592-5'
    """
    if not digest.checkable:
        raise InvalidArgument(f"{digest} cannot be checked; expected one of {ALGORITHMS}")
    value = _hexadecimal(digest)
    if digest.algorithm in ("SHA256", "sha2-256-chunked"):
        return f"{digest.algorithm}/{value}"
    value = f"{value}-{'x' if size is None else size}"
    if digest.algorithm == "CRC64NVME":
        value += "-" + hashlib.sha256(physical_key.encode()).hexdigest()[:32]
    return f"{digest.algorithm}/{value}"


def blob_digest(blob: str) -> Digest | None:
    """Return the digest that a blob's name stands for; None where the name does not tell.

    Examples
    --------
    >>> digest = Digest("sha2-256-chunked", "lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=")
    >>> blob_digest(blob_id(digest, 5, "s3://b/k")) == digest
    True
    """
    algorithm, _, name = blob.partition("/")
    dropped = {"SHA256": 0, "sha2-256-chunked": 0, "CRC64NVME": 2}.get(algorithm, 1)
    value = name.rsplit("-", dropped)[0] if dropped else name
    if value.startswith("x"):
        return None
    if algorithm in _BASE64_BYTES:
        try:
            return Digest(algorithm, base64.b64encode(bytes.fromhex(value)).decode())
        except ValueError:
            return None
    return Digest(algorithm, value)


def _hexadecimal(digest: Digest) -> str:
    length = _BASE64_BYTES.get(digest.algorithm)
    if length is not None:
        with contextlib.suppress(binascii.Error, ValueError):
            value = base64.b64decode(digest.value, validate=True)
            if len(value) == length:
                return value.hex()
    elif _SAFE.fullmatch(digest.value):
        return digest.value.lower()
    return "x" + hashlib.sha256(digest.value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bytes to fetch once, whatever number of entries they serve.

    Attributes
    ----------
    name : str
        What stands for them (see `want`).
    entry : Entry
        The first entry that needs them.
    """

    name: str
    entry: Entry

    @property
    def blob(self) -> str | None:
        """Name they will have in the store (see `blob_id`).

        None where nothing vouches for them: they are named by what they turn out to be.
        """
        return None if self.name.startswith(_AT) else self.name

    @property
    def size(self) -> int:
        """Bytes; 0 where unknown."""
        return self.entry.size or 0


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """Digests wanted − digests held → transfers.

    Attributes
    ----------
    transfers : tuple of Transfer
        In the order of first need.
    held : frozenset of str
        Names of wanted blobs that the store has.
    files : int
        Number of entries wanted.
    bytes_total, bytes_to_fetch : int
        Bytes of all entries wanted, and of the transfers.
    """

    transfers: tuple[Transfer, ...]
    held: frozenset[str]
    files: int
    bytes_total: int
    bytes_to_fetch: int


def entry_blob(entry: Entry) -> str | None:
    """Return the store's name for the bytes of an entry; None where nothing vouches for them."""
    if entry.digest is None or not entry.digest.checkable:
        return None
    return blob_id(entry.digest, entry.size, entry.physical_key)


def want(entry: Entry) -> str:
    """Return what stands for the bytes of an entry: the store's name, or else their place.

    Examples
    --------
    >>> want(Entry("a", "s3://b/x"))
    'at s3://b/x'
    """
    return entry_blob(entry) or _AT + entry.physical_key


def plan_fetch(
    entries: Iterable[Entry], held: Callable[[Iterable[str]], frozenset[str]]
) -> FetchPlan:
    """Decide what to fetch.

    Parameters
    ----------
    entries : iterable of Entry
        What is wanted.
    held : callable
        Given names of blobs, returns those the store has.

    Examples
    --------
    >>> entries = [Entry(k, "s3://b/x", 5, Digest("MD5", "0" * 32)) for k in ("a", "b")]
    >>> plan = plan_fetch(entries, lambda blobs: frozenset())
    >>> plan.files, len(plan.transfers), plan.bytes_to_fetch
    (2, 1, 5)
    """
    wanted: dict[str, Transfer] = {}
    files = bytes_total = 0
    for entry in entries:
        files += 1
        bytes_total += entry.size or 0
        name = want(entry)
        if name not in wanted:
            wanted[name] = Transfer(name, entry)
    have = held([name for name in wanted if not name.startswith(_AT)])
    transfers = tuple(transfer for name, transfer in wanted.items() if name not in have)
    return FetchPlan(transfers, have, files, bytes_total, sum(t.size for t in transfers))


class FileState(Enum):
    """What lies at the place of a file in a checkout, compared with its record."""

    ABSENT = "absent"
    UNCHANGED = "unchanged"
    """As we put it there."""
    CHANGED = "changed"
    """Put there by us, changed by the user since."""
    FOREIGN = "foreign"
    """Not put there by us."""
    WANTED = "wanted"
    """Not as recorded, but its bytes are those wanted."""


class Action(Enum):
    """What to do with one file of a checkout."""

    KEEP = "keep"
    PLACE = "place"
    RECORD = "record"
    REMOVE = "remove"
    LEAVE = "leave"
    CONFLICT = "conflict"


def decide_file(
    wanted: str | None, recorded: str | None, state: FileState, *, force: bool
) -> Action:
    """Decide what happens to one file of a checkout.

    A user's changed file is never overwritten or deleted unless `force` is given.

    Parameters
    ----------
    wanted : str or None
        Blob that should be there; None if no file should.
    recorded : str or None
        Blob that we put there, if any.
    state : FileState
    force : bool
        Overwrite the user's changes.

    Examples
    --------
    >>> decide_file("b", "a", FileState.CHANGED, force=False)
    <Action.CONFLICT: 'conflict'>
    """
    if wanted is None:
        ours = state in (FileState.UNCHANGED, FileState.ABSENT)
        removable = recorded is not None and ours
        return Action.REMOVE if removable else Action.LEAVE
    match state:
        case FileState.ABSENT:
            return Action.PLACE
        case FileState.WANTED:
            return Action.RECORD
        case FileState.UNCHANGED:
            return Action.KEEP if wanted == recorded else Action.PLACE
        case _:
            return Action.PLACE if force else Action.CONFLICT


@dataclass(frozen=True, slots=True)
class CheckoutPlan:
    """What to do with every file of a checkout; each value is in the order of logical keys.

    Attributes
    ----------
    place : mapping of str to str
        Logical key → blob, for files to put there.
    record : mapping of str to str
        For files that lie there already with the right bytes.
    keep : int
        Number of files that are as they should be.
    remove : tuple of str
        Files we put there that the package no longer has; the user may have deleted some already.
    left : tuple of str
        Files the package no longer has, kept because the user changed them.
    conflicts : tuple of str
        Files that are the user's.
    replaced : frozenset of str
        Those of `place` where a file lies now.
    """

    place: Mapping[str, str]
    record: Mapping[str, str]
    keep: int
    remove: tuple[str, ...]
    left: tuple[str, ...]
    conflicts: tuple[str, ...]
    replaced: frozenset[str]


def plan_checkout(
    wanted: Mapping[str, str],
    recorded: Mapping[str, str],
    state: Callable[[str], FileState],
    *,
    force: bool = False,
) -> CheckoutPlan:
    """Decide what happens to every file of a checkout.

    Parameters
    ----------
    wanted : mapping of str to str
        Logical key → blob, for every file of the package (or of the part asked for).
    recorded : mapping of str to str
        Logical key → blob, for files that we put there; only those of the part asked for.
    state : callable
        Returns the `FileState` of a logical key.
    force : bool
        Overwrite the user's changes.
    """
    actions: dict[Action, list[str]] = {action: [] for action in Action}
    occupied: set[str] = set()
    for key, blob in wanted.items():
        found = state(key)
        if found is not FileState.ABSENT:
            occupied.add(key)
        actions[decide_file(blob, recorded.get(key), found, force=force)].append(key)
    for key, blob in recorded.items():
        if key not in wanted:
            actions[decide_file(None, blob, state(key), force=force)].append(key)
    return CheckoutPlan(
        place={key: wanted[key] for key in actions[Action.PLACE]},
        record={key: wanted[key] for key in actions[Action.RECORD]},
        keep=len(actions[Action.KEEP]),
        remove=tuple(actions[Action.REMOVE]),
        left=tuple(actions[Action.LEAVE]),
        conflicts=tuple(actions[Action.CONFLICT]),
        replaced=frozenset(occupied.intersection(actions[Action.PLACE])),
    )
