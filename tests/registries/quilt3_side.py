"""What runs in the process of the real quilt3: each function does one thing users do with it."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Refused(Exception):
    """What quilt3 raised, as text; its own errors need quilt3 to be unpickled."""


@dataclass(frozen=True)
class SeenEntry:
    """One entry as quilt3 sees it."""

    physical_key: str
    size: int
    hash: dict[str, str]
    meta: dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A package as quilt3 sees it; folders without metadata are left out."""

    top_hash: str
    header: dict[str, Any]
    entries: dict[str, SeenEntry]
    folder_meta: dict[str, Any]


@dataclass(frozen=True)
class Content:
    """What goes into a package."""

    folder: str
    meta: dict[str, Any] | None = None
    message: str | None = None
    entry_meta: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    folder_meta: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def start(environment: Mapping[str, str]) -> None:
    """Prepare the process: quilt3 fixes its folders when it is imported."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "XDG_", "QUILT_")):
            del os.environ[name]
    os.environ.update(environment)
    from quilt3.telemetry import ApiTelemetry

    assert ApiTelemetry.telemetry_is_disabled()
    _share_clients()


def _share_clients() -> None:
    """Let quilt3 make its S3 client once; it makes one per call and thread, 0.1 s of work each."""
    from quilt3.data_transfer import S3ClientProvider

    make, lock, made = S3ClientProvider._build_client, threading.Lock(), {}

    def shared(self: Any, is_unsigned: Callable[[Any], bool]) -> Any:
        unsigned = is_unsigned(self.get_boto_session())
        with lock:
            if unsigned not in made:
                made[unsigned] = make(self, is_unsigned)
            return made[unsigned]

    S3ClientProvider._build_client = shared


def answer(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Call; turn any error into one that can be sent."""
    try:
        return function(*args, **keywords)
    except Exception as error:
        text = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        raise Refused(text) from None


def list_packages(registry: str) -> list[str]:
    """Names of all packages, sorted."""
    import quilt3

    return sorted(quilt3.list_packages(registry))


def list_versions(registry: str, name: str) -> dict[str, str]:
    """Top hash by pointer."""
    import quilt3

    return dict(quilt3.list_package_versions(name, registry))


def browse(registry: str, name: str, top_hash: str | None = None) -> Seen:
    """Open a package."""
    import quilt3

    return _seen(quilt3.Package.browse(name, registry, top_hash=top_hash))


def load(path: str) -> Seen:
    """Open a manifest that lies in a file."""
    import quilt3

    with open(path, encoding="utf-8") as file:
        return _seen(quilt3.Package.load(file))


def install(registry: str, name: str, folder: str, top_hash: str | None = None) -> bool:
    """Install into a folder; say whether quilt3 then finds every byte right."""
    import quilt3

    quilt3.Package.install(name, registry, top_hash=top_hash, dest=folder)
    verified: bool = quilt3.Package.browse(name, registry, top_hash=top_hash).verify(folder)
    return verified


def push(
    registry: str, name: str, content: Content, *, workflow: Any = ..., force: bool = False
) -> Seen:
    """Push a folder."""
    pushed = _package(content).push(
        name, registry, message=content.message, workflow=workflow, force=force
    )
    return _seen(pushed)


def build(registry: str, name: str, content: Content) -> str:
    """Build a folder into a local registry; return the top hash."""
    top_hash: str = _package(content).build(name, registry, message=content.message)
    return top_hash


def edit(
    registry: str, name: str, changes: Mapping[str, str | None], message: str | None = None
) -> Seen:
    """Browse, set keys to files (None removes), push."""
    import quilt3

    package = quilt3.Package.browse(name, registry)
    for key, path in changes.items():
        if path is None:
            package.delete(key)
        else:
            package.set(key, path)
    return _seen(package.push(name, registry, message=message))


def keys_of(folder: str) -> list[str]:
    """Logical keys that a folder gives."""
    import quilt3

    return sorted(key for key, _ in quilt3.Package().set_dir("/", folder).walk())


def _package(content: Content) -> Any:
    import quilt3

    package = quilt3.Package()
    package.set_dir("/", content.folder, meta=content.meta)
    for key, meta in content.folder_meta.items():
        package[key].set_meta(meta)
    for key, meta in content.entry_meta.items():
        package[key].set_meta(meta)
    return package


def _seen(package: Any) -> Seen:
    entries = {
        key: SeenEntry(str(entry.physical_key), entry.size, dict(entry.hash), dict(entry._meta))
        for key, entry in package.walk()
    }
    header = dict(package._meta)
    folders: dict[str, Any] = {}
    for folder in {str(parent) for key in entries for parent in Path(key).parents} - {"."}:
        if package[folder].meta:
            folders[f"{folder}/"] = package[folder].meta
    return Seen(package.top_hash, header, entries, folders)
