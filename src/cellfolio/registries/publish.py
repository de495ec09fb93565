"""Publishing a package into a Quilt registry.

Write order: data → manifest → revision pointer → ``latest``. Each step is whole before the next
begins, so a reader, or a push that was killed, never sees a revision that cannot be installed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from cellfolio.errors import InvalidManifest, ObjectNotFound, PushConflict
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.keys import check_package_name
from cellfolio.package.package import Package
from cellfolio.package.plan import entry_blob, want
from cellfolio.registries.quilt import MANIFESTS, POINTERS, QuiltRegistry
from cellfolio.registries.reuse import known_places, root_uri, still_there
from cellfolio.registries.rules import CONFIG_PATH, DEFAULT, check_package, read_config
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.places import Place, local_path
from cellfolio.storage.progress import Meter, Progress
from cellfolio.storage.remote import ObjectInfo, Remotes
from cellfolio.storage.trouble import ChangedMeanwhile
from cellfolio.storage.upload import Upload, UploadPlan, send_files

CLAIMS = ".quilt/claims"
"""Folder of a registry for markers of keys that large files are being sent to."""
Sending = Callable[[UploadPlan, Home, Meter], dict[Digest, Place]]
"""What sends files (see `send_files`)."""
REVISION_DATA = ".revisions"
"""Folder below a package's data for bytes whose own key is taken by another revision."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes
    ----------
    package : Package
        As published: its physical keys are in the registry.
    files_sent, bytes_sent : int
    unchanged : bool
        Whether the registry's latest revision was this package already.
    """

    package: Package
    files_sent: int
    bytes_sent: int
    unchanged: bool = False


def push(
    package: Package,
    registry: QuiltRegistry,
    home: Home,
    *,
    workflow: str | None = DEFAULT,
    force: bool = False,
    progress: Progress | None = None,
    sending: Sending = send_files,
) -> Pushed:
    """Publish a package; only bytes that the registry lacks are sent.

    Parameters
    ----------
    package : Package
        Every entry must have a digest. Its name, ``namespace/name``, is that in the registry.
    registry : QuiltRegistry
    home : Home
    workflow : str or None
        The registry's workflow to check with; by default the one it prescribes.
    force : bool
        Publish even if the registry's latest revision is not one that this home knows.
    progress : callable, optional
    sending : callable
        What sends the files.

    Raises
    ------
    PushConflict
        If somebody else published a revision since this home last got or pushed the package.
    WorkflowViolation
        If the registry's rules refuse the package.
    InvalidManifest
        If an entry has no digest.
    DigestMismatch
        If a file changed since it was packaged.
    """
    name = check_package_name(package.name)
    _check_entries(package)
    if registry.uri == home.registry_uri:
        home.blobs.require_writable()
    config = read_config(home.remotes, registry.place(CONFIG_PATH).uri)
    stamp = check_package(package, name, config, workflow, home.remotes)
    package = _stamped(package, stamp)
    latest, e_tag = registry.read_latest(name)
    if latest == package.top_hash:
        remember_origin(home, registry.uri, name, latest)
        return Pushed(registry.open(name, latest), 0, 0, unchanged=True)
    if not force:
        _check_conflict(home, registry, name, latest)
    if registry.uri == home.registry_uri:
        entries, files, size = _keep_in_store(package, home, progress)
    else:
        entries, files, size = _send(package, registry, (home, progress, sending))
    published = package.with_entries(entries).named(name)
    kept = record(published, name, registry, home, before=(latest, e_tag), force=force)
    remember_origin(home, registry.uri, name, published.top_hash)
    return Pushed(kept, files, size)


def keep(package: Package, name: str, registry: QuiltRegistry, home: Home) -> Package:
    """Make a revision in the local registry whose bytes stay where they are.

    Parameters
    ----------
    package : Package
        Its entries may point anywhere.
    name : str
        ``namespace/name``.
    registry : QuiltRegistry
        The local one.
    home : Home

    Returns
    -------
    Package
        As it is kept; the latest revision, if that is this one already.

    Raises
    ------
    StoreReadOnly
    """
    check_package_name(name)
    home.blobs.require_writable()
    package = _stamped(package, None).named(name)
    latest = registry.read_latest(name)[0]
    if latest == package.top_hash:
        return registry.open(name, latest)
    kept = record(package, name, registry, home, force=True)
    remember_origin(home, registry.uri, name, kept.top_hash)
    return kept


def record(
    package: Package,
    name: str,
    registry: QuiltRegistry,
    home: Home,
    *,
    before: tuple[str | None, str | None] = (None, None),
    force: bool = False,
) -> Package:
    """Write a package's manifest, and a revision that points to it; no data is moved.

    Parameters
    ----------
    package : Package
        Its data is where it says.
    name : str
    registry : QuiltRegistry
    home : Home
    before : tuple of str or None
        Latest top hash that was seen, and the pointer's ETag.
    force : bool
        Whatever the latest revision is now.

    Raises
    ------
    PushConflict
        If the latest revision is another now.
    """
    text = b"".join(package.manifest())
    home.remotes.put(registry.place(f"{MANIFESTS}/{package.top_hash}"), text)
    _point(registry, home, name, package.top_hash, before, force=force)
    return home.manifests.add([text], registry.uri, package.top_hash, name)


def _stamped(package: Package, stamp: dict[str, Any] | None) -> Package:
    """Return the package with the stamp of this push; another registry's goes."""
    header = {key: value for key, value in package.header.items() if key != "workflow"}
    if stamp is not None:
        header["workflow"] = stamp
    if header == package.header:
        return package
    return Package(package.rows, header, package.folder_meta, name=package.name)


def _check_entries(package: Package) -> None:
    for row in package.rows:
        digest = row.digest
        if digest is None or not digest.checkable or row.size < 0:
            raise InvalidManifest(
                f"entry {row.key.decode()!r} has no size and digest that can be checked; "
                "only checked bytes are published",
                hint="get it to a folder and build the package from that",
            )


# The registry moved on?


def _check_conflict(home: Home, registry: QuiltRegistry, name: str, latest: str | None) -> None:
    if latest is None:
        return
    known = home.blobs.index.note("origin", f"{registry.uri} {name}") or []
    if latest not in known:
        raise PushConflict(name, known[-1] if known else None, latest)


def remember_origin(home: Home, registry_uri: str, name: str, top_hash: str) -> None:
    """Note that this home has a revision: a push may follow it."""
    if not home.blobs.writable:
        return
    note = f"{registry_uri} {name}"
    known = home.blobs.index.note("origin", note) or []
    if top_hash not in known[-1:]:
        home.blobs.index.set_note("origin", note, [*known, top_hash][-100:])


def _point(
    registry: QuiltRegistry,
    home: Home,
    name: str,
    top_hash: str,
    before: tuple[str | None, str | None],
    *,
    force: bool,
) -> None:
    """Write the revision's pointer and move ``latest``, if nobody else did meanwhile."""
    body = top_hash.encode()
    with _folder_lock(registry):
        now, e_tag = registry.read_latest(name)
        if not force and now != before[0]:
            raise PushConflict(name, before[0], now)
        seconds = int(time.time())
        while True:  # one pointer a second: the next free second keeps two quick pushes apart
            pointer = registry.place(f"{POINTERS}/{name}/{seconds}")
            newer = registry.place(f"{POINTERS}/{name}/{seconds + 1}")
            put = _put_once(home.remotes, pointer, body, "create")
            if put is not None and not home.remotes.head(newer):
                break
            # Another one is after it. Ours must not stay: but the same revision may be there from
            # a moment ago.
            if put == "created":
                home.remotes.delete(pointer)
            seconds += 1
        place = registry.place(f"{POINTERS}/{name}/latest")
        conditional = not force and local_path(registry.uri) is None
        mode: object = "overwrite"
        if conditional:
            mode = "create" if now is None else {"e_tag": f'"{e_tag}"'}
        if _put_once(home.remotes, place, body, mode) is None:
            home.remotes.delete(pointer)
            raise PushConflict(name, before[0], registry.read_latest(name)[0])


def _put_once(
    remotes: Remotes, place: Place, body: bytes, mode: object
) -> Literal["created", "same"] | None:
    """Put a pointer on a condition; return how it came to hold `body`, or None if it does not.

    A request whose answer was lost is sent again, and then fails on what it wrote itself: ``same``.
    """
    try:
        remotes.put(place, body, mode=mode)
    except (FileExistsError, ChangedMeanwhile):
        try:
            return "same" if remotes.read(place)[0] == body else None
        except ObjectNotFound:  # its owner lost a race, and took it back
            return None
    return "created"


@contextlib.contextmanager
def _folder_lock(registry: QuiltRegistry) -> Iterator[None]:
    """Hold a registry in a folder: a file system has no conditional writes."""
    folder = local_path(registry.uri)
    if folder is None:
        yield
        return
    (folder / ".quilt").mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".quilt" / "push.lock", timeout=60):
        yield


# Where the bytes go


def _keep_in_store(
    package: Package, home: Home, progress: Progress | None
) -> tuple[list[Entry], int, int]:
    """Take the bytes into the home's store; the entries point there."""
    ensured = ensure_held(package.walk(), home, progress)
    entries = [
        replace(entry, physical_key=ensured.paths[want(entry)].as_uri()) for entry in package.walk()
    ]
    return entries, ensured.files, ensured.size


def _send(
    package: Package, registry: QuiltRegistry, means: tuple[Home, Progress | None, Sending]
) -> tuple[list[Entry], int, int]:
    """Send what the registry lacks; return the entries as they are there."""
    home, progress, sending = means
    name = package.name
    root = root_uri(registry)
    lacking: dict[Digest, Entry] = {}
    for entry in package.walk():
        if not entry.physical_key.startswith(root) and entry.digest is not None:
            lacking.setdefault(entry.digest, entry)
    known = known_places(set(lacking), name, registry, home) if lacking else {}
    doubtful = not all(one.versioned for one in known.values())
    existing = _existing(name, registry, home) if doubtful or len(known) < len(lacking) else {}
    known = still_there(known, existing, registry, home)
    missing = {digest: entry for digest, entry in lacking.items() if digest not in known}
    sources = _sources(missing.values(), home, progress)
    uploads = [
        Upload(
            sources[digest],
            entry.size or 0,
            digest,
            registry.place(f"{name}/{entry.logical_key}"),
            registry.place(f"{name}/{REVISION_DATA}/{_short(entry)}/{entry.logical_key}"),
        )
        for digest, entry in missing.items()
    ]
    size = sum(upload.size for upload in uploads)
    meter = Meter(progress, "push", len(uploads), size)
    versioned = bool(uploads) and _is_versioned(existing, registry, home)
    sent = sending(
        UploadPlan(tuple(uploads), registry.place(CLAIMS), existing, versioned), home, meter
    )
    meter.tell(finished=True)
    places = {digest: found.uri for digest, found in known.items()}
    places.update((digest, place.uri) for digest, place in sent.items())
    moved = [
        replace(entry, physical_key=places[entry.digest])
        for entry in package.walk()
        if entry.digest in places and not entry.physical_key.startswith(root)
    ]
    return moved, len(uploads), size


def _short(entry: Entry) -> str:
    blob = entry_blob(entry) or ""
    return blob.rpartition("/")[2][:16]


def _sources(entries: Iterable[Entry], home: Home, progress: Progress | None) -> dict[Digest, Path]:
    """Return a local file for each entry, fetching those that are elsewhere."""
    found: dict[Digest, Path] = {}
    elsewhere: list[Entry] = []
    for entry in entries:
        assert entry.digest is not None
        path = local_path(entry.physical_key)
        if path is None:
            elsewhere.append(entry)
        elif path.is_file():
            found[entry.digest] = path
        elif held := home.blobs.find([want(entry)]):  # the home was moved since
            found[entry.digest] = held[want(entry)]
        else:
            raise ObjectNotFound(
                f"{path} of {entry.logical_key} does not exist",
                hint="it was moved or removed since it was packaged; build the package again",
            )
    if elsewhere:
        ensured = ensure_held(elsewhere, home, progress)
        for entry in elsewhere:
            assert entry.digest is not None
            found[entry.digest] = ensured.paths[want(entry)]
    return found


def _existing(name: str, registry: QuiltRegistry, home: Home) -> dict[str, ObjectInfo]:
    """List what lies below the package's data: one request per 1,000 objects."""
    return {info.path: info for info in home.remotes.objects(registry.place(name))}


def _is_versioned(existing: Mapping[str, ObjectInfo], registry: QuiltRegistry, home: Home) -> bool:
    if not existing:
        return False
    path = next(iter(existing))
    head = home.remotes.head(replace(registry.place(""), path=path))
    return head is not None and head.version not in (None, "null")
