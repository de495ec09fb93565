"""Commands that look after what is kept: verify, du, gc."""

from __future__ import annotations

from collections.abc import Iterator
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
    from cellfolio.workflows.checking import Verified
    from cellfolio.workflows.space import Space


@command(
    "verify",
    fields={
        "what": "the folder or package as it was named; null for the store",
        "sound": "whether nothing is damaged",
        "right": "number of files whose bytes are what was promised",
        "damaged": "files whose bytes changed without your doing, and were not mended",
        "repaired": "files that were damaged and are right again",
        "modified": "of a folder: files you changed",
        "missing": "of a folder: files that are gone",
        "absent": "of a package: number of files that the store does not have",
    },
)
@click.argument("what", required=False, metavar="[FOLDER|PACKAGE]")
@registry_option
@click.option("--repair", is_flag=True, help="Replace what is damaged, where it can be had.")
def verify_command(what: str | None, registry: str | None, repair: bool) -> Answer:
    """Hash what is on this machine and compare it with what it must be.

    FOLDER was filled by 'get'; of a PACKAGE, the files that the store has are hashed; by default
    the whole store. Exits with 1 if anything is damaged, modified or missing.
    """
    import cellfolio

    if what is None and registry is not None:
        raise click.UsageError("--registry says where PACKAGE is; name a PACKAGE")
    progress = terminal_progress()
    if what is None or registry is None:
        found = cellfolio.verify(what, repair=repair, progress=progress)
    else:
        found = _verify_of_registry(what, registry, repair=repair)
    different = found.damaged or found.modified or found.missing
    return Answer(
        lambda: _verified_document(what, found), verified_lines(found), DIFFERENT * bool(different)
    )


def _verify_of_registry(name: str, registry: str, *, repair: bool) -> Verified:
    from cellfolio.storage.home import Home
    from cellfolio.workflows.checking import verify_package
    from cellfolio.workflows.opening import open_package

    home = Home()
    package = named_part(open_package(name, home, registry=registry))
    return verify_package(package, home, repair=repair, progress=terminal_progress())


def _verified_document(what: str | None, found: Verified) -> dict[str, Any]:
    return {
        "what": what,
        "sound": found.sound,
        "right": found.right,
        "damaged": list(found.damaged),
        "repaired": list(found.repaired),
        "modified": list(found.modified),
        "missing": list(found.missing),
        "absent": found.absent,
    }


def verified_lines(found: Verified) -> Iterator[str]:
    """Yield what is wrong, and the numbers."""
    colours = {"damaged": "red", "repaired": "green", "modified": "yellow", "missing": "red"}
    for word, colour in colours.items():
        for name in getattr(found, word):
            yield paint(f"{word:<8}  {printable(name)}", colour)
    numbers = [f"{plural(found.right, 'file')} right"]
    numbers += [f"{len(getattr(found, word)):,} {word}" for word in colours if getattr(found, word)]
    if not (found.damaged or found.modified or found.missing):
        numbers.append("nothing damaged")
    if found.absent:
        numbers.append(f"{found.absent:,} not in the store")
    yield ", ".join(numbers)


@command(
    "du",
    fields={
        "store": "`folder`, `files`, `size`, and `unfinished`: bytes of interrupted transfers",
        "packages": "of the local registry; each with `name`, `revisions`, `files`, `size`: all "
        "revisions together, as if each were whole",
        "saved": "bytes that are not stored twice",
        "checkouts": "folders filled from the store",
        "package": "with PACKAGE: its name; then the fields above are missing",
        "top_hash": "with PACKAGE: name of the revision",
        "folders": "with PACKAGE: each with `key`, `files`, `size`; the whole comes last with an "
        "empty key",
    },
)
@package_argument(required=False)
@registry_option
@click.option(
    "--depth",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Folders within folders that are shown.",
)
def du_command(package: str | None, registry: str | None, depth: int) -> Answer:
    """Show how much room things take.

    Of a PACKAGE, its folders; by default the store and the packages of the local registry.
    """
    if package is not None:
        return _du_of_package(package, registry, depth)
    import cellfolio

    found = cellfolio.du()
    return Answer(lambda: _space_document(found), _space_lines(found))


def _du_of_package(name: str, registry: str | None, depth: int) -> Answer:
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import open_package
    from cellfolio.workflows.space import measure_package

    opened = open_package(name, Home(), registry=registry, progress=terminal_progress())
    folders = measure_package(named_part(opened), depth)

    def document() -> dict[str, Any]:
        return {
            "package": opened.name,
            "top_hash": opened.package.top_hash,
            "folders": [{"key": key, "files": files, "size": size} for key, files, size in folders],
        }

    whole = f"{printable(opened.name)} @ {short(opened.package.top_hash)}"
    rows = (
        (size_text(size), plural(files, "file"), printable(key) + "/" if key else whole)
        for key, files, size in folders
    )
    return Answer(document, columns(rows, ">><"))


def _space_document(found: Space) -> dict[str, Any]:
    return {
        "store": {
            "folder": str(found.folder),
            "files": found.blobs,
            "size": found.size,
            "unfinished": found.unfinished,
        },
        "packages": [
            {"name": one.name, "revisions": one.revisions, "files": one.files, "size": one.size}
            for one in found.packages
        ],
        "saved": found.saved,
        "checkouts": list(found.checkouts),
    }


def _space_lines(found: Space) -> Iterator[str]:
    rows = [
        (size_text(one.size), plural(one.revisions, "revision"), printable(one.name))
        for one in found.packages
    ]
    rows.append(
        (size_text(found.size), plural(found.blobs, "file"), f"store {printable(found.folder)}")
    )
    if found.unfinished:
        rows.append((size_text(found.unfinished), "", "of interrupted transfers"))
    yield from columns(rows, ">><")
    if found.saved:
        yield f"{size_text(found.saved)} are not stored twice"
    for path in found.checkouts:
        yield f"filled from it: {printable(path)}"


@command(
    "gc",
    fields={
        "dry_run": "whether nothing was removed",
        "files": "number of files removed from the store",
        "size": "their bytes",
        "kept": "number of files kept",
    },
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc_command(dry_run: bool) -> Answer:
    """Remove bytes that no local package and no folder needs.

    What came or was used within the last hour is kept in any case. A removed file is fetched again
    when it is needed.
    """
    import cellfolio

    found = cellfolio.gc(dry_run=dry_run)
    verb = "would be removed" if dry_run else "removed"
    line = f"{plural(found.blobs, 'file')} {verb} ({size_text(found.size)}), {found.kept:,} kept"
    return Answer(
        lambda: {
            "dry_run": dry_run,
            "files": found.blobs,
            "size": found.size,
            "kept": found.kept,
        },
        [line],
    )
