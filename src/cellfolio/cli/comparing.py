"""Commands that compare: diff, status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import (
    Answer,
    command,
    named_part,
    package_argument,
    registry_option,
    terminal_progress,
)
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import columns, paint, plural, printable, short, size_text

if TYPE_CHECKING:
    from cellfolio.package.diff import Diff
    from cellfolio.package.entry import Entry
    from cellfolio.package.package import Package
    from cellfolio.storage.checkout import CheckoutStatus
    from cellfolio.workflows.measuring.shards import ShardStatus
    from cellfolio.workflows.opening import Opened

_ENTRY = "each with `key`, `size`, `digest`"
_SIDE = "`package`, `registry`, `top_hash`"


@command(
    "diff",
    fields={
        "older": _SIDE,
        "newer": _SIDE,
        "different": "whether anything differs",
        "added": f"files; {_ENTRY}",
        "removed": f"files; {_ENTRY}",
        "changed": "files of other bytes; each with `key`, `older`, `newer` (`size`, `digest`)",
        "meta_changed": "keys of files of which only metadata differs",
        "folder_meta_changed": "folders whose metadata differs; the empty text is the package",
    },
)
@package_argument("older")
@package_argument("newer")
@registry_option
@click.option("--all", "everything", is_flag=True, help="Each file of new and removed folders.")
def diff_command(older: str, newer: str, registry: str | None, everything: bool) -> Answer:
    """Show what changed from one package to another.

    OLDER and NEWER are packages, or folders on this machine; see 'show'. A folder that is wholly
    new or gone is one line. Exits with 1 if anything differs.
    """
    import cellfolio
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import open_package

    home, progress = Home(), terminal_progress()
    sides = [
        open_package(name, home, registry=registry, progress=progress) for name in (older, newer)
    ]
    one, other = map(named_part, sides)
    found = cellfolio.diff(one, other)
    return Answer(
        lambda: _diff_document(sides, found),
        _diff_page(sides, (one, other), found, everything=everything),
        DIFFERENT if found else 0,
    )


def _diff_document(sides: list[Opened], found: Diff) -> dict[str, Any]:
    older, newer = (
        {"package": one.name, "registry": one.registry, "top_hash": one.package.top_hash}
        for one in sides
    )
    return {
        "older": older,
        "newer": newer,
        "different": bool(found),
        "added": [_file(entry) for entry in found.added],
        "removed": [_file(entry) for entry in found.removed],
        "changed": [
            {"key": new.logical_key, "older": _bytes(old), "newer": _bytes(new)}
            for old, new in found.changed
        ],
        "meta_changed": [new.logical_key for _, new in found.meta_changed],
        "folder_meta_changed": list(found.folder_meta_changed),
    }


def _file(entry: Entry) -> dict[str, Any]:
    return {"key": entry.logical_key, **_bytes(entry)}


def _bytes(entry: Entry) -> dict[str, Any]:
    return {"size": entry.size, "digest": None if entry.digest is None else str(entry.digest)}


def _diff_page(
    sides: list[Opened], parts: tuple[Package, Package], found: Diff, *, everything: bool
) -> Iterator[str]:
    titles = [f"{printable(one.name)} @ {short(one.package.top_hash)}" for one in sides]
    yield paint(" → ".join(titles), "bold")
    if not found:
        yield "no difference"
        return
    yield from diff_lines(*parts, found, everything=everything)


def diff_lines(
    older: Package, newer: Package, found: Diff, *, everything: bool = False
) -> Iterator[str]:
    """Yield the lines of a difference, aligned, and a summary."""
    rows = [
        *_grouped("+", found.added, None if everything else older),
        *_grouped("-", found.removed, None if everything else newer),
        *(("~", new.logical_key, _resized(old, new)) for old, new in found.changed),
        *(("m", new.logical_key, "metadata") for _, new in found.meta_changed),
        *(("m", key or "(the package)", "metadata") for key in found.folder_meta_changed),
    ]
    colours = {"+": "green", "-": "red", "~": "yellow", "m": "dim"}
    lines = columns(((mark, printable(key), about) for mark, key, about in rows), "<<<")
    for (mark, _, _), line in zip(rows, lines, strict=True):
        yield paint(line, colours[mark])
    yield diff_summary(found)


def diff_summary(found: Diff) -> str:
    """Return the numbers of a difference in one line."""
    added = sum(entry.size or 0 for entry in found.added)
    metadata = len(found.meta_changed) + len(found.folder_meta_changed)
    return (
        f"{len(found.added):,} added ({size_text(added)}), {len(found.removed):,} removed, "
        f"{len(found.changed):,} changed" + (f", {metadata:,} with other metadata" * bool(metadata))
    )


def _grouped(
    mark: str, entries: Iterable[Entry], other: Package | None
) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each file, or one for a whole folder that `other` does not have."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        key = entry.logical_key if other is None else _topmost_absent(entry.logical_key, other)
        groups.setdefault(key, []).append(entry)
    for key, found in groups.items():
        size = size_text(sum(entry.size or 0 for entry in found))
        alone = key == found[0].logical_key
        yield mark, key, size if alone else f"{plural(len(found), 'file')}, {size}"


def _topmost_absent(key: str, package: Package) -> str:
    """Return the first folder on the way to a file that a package does not have, or the file."""
    slash = key.find("/")
    while slash >= 0:
        if key[: slash + 1] not in package:
            return key[: slash + 1]
        slash = key.find("/", slash + 1)
    return key


def _resized(old: Entry, new: Entry) -> str:
    before, after = size_text(old.size), size_text(new.size)
    sizes = before if before == after else f"{before} → {after}"
    if not new.listed:
        return sizes
    one, other = (printable(entry.user_meta.get("version", "?")) for entry in (old, new))
    return f"{sizes}, " + (f"{one} → {other}" if one != other else "same version, other bytes")


@command(
    "status",
    fields={
        "folder": "the folder",
        "package": "name of the package it was filled from",
        "registry": "URI of its registry",
        "top_hash": "name of the revision",
        "patterns": "parts that were asked for; empty for all",
        "complete": "whether the last `get` finished",
        "clean": "whether no file is modified or missing",
        "unchanged": "number of files that are as they were put there",
        "modified": "keys of files you changed",
        "missing": "keys of files that are gone",
        "extra": "keys of files that are not from the package",
        "shards": "of a folder that 'measure' or 'featurize' works in by shards: `ended`, "
        "`missing`, `failed` (sites), `finished`; then the others are null, else this is",
    },
)
@click.argument("folder", type=click.Path(path_type=Path), default=".")
def status_command(folder: Path) -> Answer:
    """Show what you changed in a folder since it was filled.

    FOLDER was filled by 'get'; by default the working directory. Exits with 1 if files are
    modified or missing, or the last 'get' did not finish. Of a folder that 'measure' or
    'featurize' works in with --shard, it names the shards that are missing.
    """
    import cellfolio
    from cellfolio.workflows.measuring.shards import status_of_shards

    shards = status_of_shards(folder)
    if shards is not None:
        code = DIFFERENT if shards.missing or shards.failed else 0
        return Answer(lambda: _shards_document(folder, shards), _shards_lines(folder, shards), code)
    found = cellfolio.status(folder)
    code = 0 if found.clean and found.source.complete else DIFFERENT
    return Answer(lambda: _status_document(folder, found), _status_lines(folder, found), code)


def _status_document(folder: Path, found: CheckoutStatus) -> dict[str, Any]:
    source = found.source
    return {
        "folder": str(folder.resolve()),
        "package": source.name,
        "registry": source.registry,
        "top_hash": source.top_hash,
        "patterns": list(source.patterns),
        "complete": source.complete,
        "clean": found.clean,
        "unchanged": found.unchanged,
        "modified": list(found.modified),
        "missing": list(found.missing),
        "extra": list(found.extra),
        "shards": None,
    }


def _shards_document(folder: Path, found: ShardStatus) -> dict[str, Any]:
    told = {
        "ended": [str(one) for one in found.ended],
        "missing": [str(one) for one in found.missing],
        "failed": list(found.failed),
        "finished": found.finished,
    }
    return {
        "folder": str(folder.resolve()),
        **dict.fromkeys(
            ("package", "registry", "top_hash", "patterns", "complete", "clean", "unchanged",
             "modified", "missing", "extra")
        ),
        "shards": told,
    }  # fmt: skip


def _shards_lines(folder: Path, found: ShardStatus) -> Iterator[str]:
    count = found.ended[0].count
    yield paint(f"{printable(folder)}: {len(found.ended)} of {count} shards have ended", "bold")
    for shard in found.missing:
        yield paint(f"missing  {shard}", "red")
    for site in found.failed:
        yield paint(f"failed   {printable(site)}", "yellow")
    if found.finished:
        yield "a run of all sites came after them"
    elif not found.missing:
        yield "run it once without --shard"


def _status_lines(folder: Path, found: CheckoutStatus) -> Iterator[str]:
    source = found.source
    title = f"{printable(folder)}: {printable(source.name)} @ {short(source.top_hash)}"
    yield paint(title, "bold")
    if source.patterns:
        yield f"parts: {', '.join(map(printable, source.patterns))}"
    if not source.complete:
        yield paint("the last `cellfolio get` did not finish; run it again", "yellow")
    marks = {"modified": "yellow", "missing": "red", "extra": "dim"}
    for word, colour in marks.items():
        for key in getattr(found, word):
            yield paint(f"{word:<8}  {printable(key)}", colour)
    yield (
        f"{found.unchanged:,} unchanged, {len(found.modified):,} modified, "
        f"{len(found.missing):,} missing, {len(found.extra):,} extra"
    )
