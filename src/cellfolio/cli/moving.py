"""Commands that move bytes: get, build, push."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from cellfolio.cli.command import (
    Answer,
    command,
    label_options,
    named_part,
    package_argument,
    registry_option,
    selection_options,
    terminal_progress,
    unverified_option,
)
from cellfolio.cli.engines import engine_options
from cellfolio.cli.text import paint, plural, printable, printable_lines, short, size_text

if TYPE_CHECKING:
    from cellfolio.registries.publish import Pushed
    from cellfolio.workflows.engines.engine import Workers
    from cellfolio.workflows.getting import Got
    from cellfolio.workflows.opening import Opened
    from cellfolio.workflows.publishing import Label


@command(
    "get",
    fields={
        "folder": "the folder",
        "package": "name of the package",
        "registry": "URI of its registry",
        "top_hash": "name of the revision",
        "dry_run": "whether nothing was done",
        "files": "number of files asked for",
        "size": "their bytes",
        "placed": "number of files put into the folder",
        "kept": "number of files left as they were",
        "removed": "number of files taken away, because the package no longer has them",
        "fetched": "number of files fetched; the others were in the store",
        "bytes_fetched": "their bytes",
        "adopted": "number of files that you had already, elsewhere",
        "size_only": "number of files that nothing vouches for but their size",
        "free": "bytes free on the disk of the store",
        "message": "what is said of the revision, or null",
        "left": "keys of files the package no longer has, kept because you changed them",
    },
)
@package_argument()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option(
    "-o",
    "--folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder to fill; by default one of the package's name here.",
)
@registry_option
@click.option("--copy", "how", flag_value="copy", help="Copy files from the store.")
@click.option(
    "--link", "how", flag_value="link", help="Link files, read-only: no room on the same disk."
)
@click.option(
    "--reflink", "how", flag_value="reflink", help="Clone files, where the file system can."
)
@click.option("--force", is_flag=True, help="Overwrite files that you changed.")
@click.option(
    "--have",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Use files that you have below FOLDER, under any names; can be repeated.",
)
@click.option(
    "--files-from",
    metavar="FILE",
    type=click.File(encoding="utf-8"),
    help="Read more PATTERNs from FILE, one a line; '-' is standard input.",
)
@selection_options
@engine_options("Processes that fetch; 1 by default.", default=1)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a download of over 10 GB.")
@unverified_option
def get_command(package: str, registry: str | None, unverified: bool, **how: Any) -> Answer:
    """Get a data set, a package, or a part of it, into a folder.

    PACKAGE is a data set (see 'list') or [REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]; see 'show'.
    A PATTERN is a file, a folder or a glob such as 'images/**/*.tiff'; quote it. The last
    components of a path will do, such as WMB-10X for metadata/WMB-10X. Files you have are not
    fetched again, and files you changed are not overwritten. Images of a plate are selected with
    --plate, --well, --site and --channel.
    """
    from cellfolio.storage.home import Home
    from cellfolio.workflows.getting import GetOptions, get_package
    from cellfolio.workflows.opening import open_package

    home, progress = Home(), terminal_progress()
    options = GetOptions(
        (*how["patterns"], *_listed_patterns(how["files_from"])),
        how["how"] or "auto",
        how["force"],
        have=how["have"],
        select=how["select"],
        dry_run=how["dry_run"],
        verify=not unverified,
        confirm=confirmation(yes=how["yes"]),
        workers=how["workers"],
    )
    opened = open_package(
        package,
        home,
        registry=registry,
        select=options.select,
        verify=options.verify,
        progress=progress,
    )
    got = get_package(
        opened, target_folder(opened, how["folder"]), home, options, progress=progress
    )
    return Answer(
        lambda: _got_document(opened, got, options.dry_run),
        _got_lines(opened, got, dry_run=options.dry_run),
    )


def _listed_patterns(file: TextIO | None) -> Iterator[str]:
    for line in file or ():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def confirmation(*, yes: bool) -> Callable[[str], None] | None:
    """Return what asks before a large download; nothing, if it is agreed or nobody is there."""
    return None if yes or not (sys.stdin.isatty() and sys.stderr.isatty()) else _confirm


def _confirm(message: str) -> None:
    """Ask whether to go on; if not, the command ends."""
    click.confirm(f"{message}. Go on?", abort=True, err=True)


def target_folder(opened: Opened, folder: Path | None) -> Path:
    """Return the folder to fill: the one named, or one of the package's name."""
    if folder is not None:
        return folder
    if not opened.registry:
        raise click.UsageError("a plain folder has no package name; name a folder to fill with -o")
    return Path(opened.name.rpartition("/")[2])


def _got_document(opened: Opened, got: Got, dry_run: bool) -> dict[str, Any]:
    return {
        "folder": str(got.folder),
        "package": opened.name,
        "registry": opened.registry,
        "top_hash": opened.package.top_hash,
        "dry_run": dry_run,
        "files": got.files,
        "size": got.package.size,
        "placed": got.placed,
        "kept": got.kept,
        "removed": got.removed,
        "fetched": got.fetched,
        "bytes_fetched": got.bytes_fetched,
        "adopted": got.adopted,
        "size_only": got.size_only,
        "free": got.free,
        "message": opened.package.message,
        "left": list(got.left),
    }


def _got_lines(opened: Opened, got: Got, *, dry_run: bool) -> Iterator[str]:
    title = f"{printable(opened.name)} @ {short(opened.package.top_hash)} → {printable(got.folder)}"
    yield paint(title, "bold")
    if opened.partial:
        yield from printable_lines(opened.package.message or "")
    yield from got_lines(got)
    if got.adopted:
        yield f"{plural(got.adopted, 'file')} that you had already, not fetched"
    if got.size_only:
        what = "has no digest: its size" if got.size_only == 1 else "have no digest: their size"
        yield f"{plural(got.size_only, 'file')} {what} was checked, nothing else"
    for key in got.left:
        yield paint(f"left: {printable(key)} (you changed it; the package has it no more)", "dim")
    if dry_run:
        yield f"{size_text(got.free)} free on the disk of the store"
        yield "nothing was done: --dry-run"


def got_lines(got: Got) -> Iterator[str]:
    """Yield what getting did, in numbers."""
    yield f"{plural(got.files, 'file')}, {size_text(got.package.size)}"
    yield (
        f"{got.placed:,} placed, {got.kept:,} kept, {got.removed:,} removed; "
        f"{got.fetched:,} fetched ({size_text(got.bytes_fetched)})"
    )


_PUSHED_FIELDS = {
    "package": "name of the package",
    "top_hash": "name of the revision",
    "files": "number of files",
    "size": "their bytes",
    "files_sent": "number of files that had to be sent; the others were there",
    "bytes_sent": "their bytes",
    "unchanged": "whether the latest revision was this one already",
}


@command("build", fields=_PUSHED_FIELDS)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name")
@label_options
def build_command(folder: Path, name: str, label: Label) -> Answer:
    """Make a revision of a package from a folder, in the local registry.

    NAME is NAMESPACE/NAME. Files that a rule in FOLDER/.quiltignore matches are left out. The
    bytes are taken into the store; FOLDER may change afterwards.
    """
    import cellfolio

    pushed = cellfolio.build(folder, name, label, progress=terminal_progress())
    return Answer(lambda: _pushed_document(pushed), _pushed_lines(pushed, "stored"))


@command("push", fields={**_PUSHED_FIELDS, "destination": "as it was named"})
@package_argument()
@click.argument("destination")
@registry_option
@label_options
@click.option("--as", "name", metavar="NAME", help="NAMESPACE/NAME there, if it is another.")
@click.option("--force", is_flag=True, help="Publish over a newer revision of somebody else.")
@engine_options("Processes that send; 1 by default.", default=1)
def push_command(
    package: str,
    destination: str,
    registry: str | None,
    name: str | None,
    label: Label,
    force: bool,
    workers: Workers,
) -> Answer:
    """Publish a package in a registry; only what it lacks is sent.

    PACKAGE is a package; see 'show'. DESTINATION is a registry: s3://bucket or a folder. With
    --as, or with s3://bucket/NAMESPACE/NAME, the package has another name there.
    """
    import cellfolio
    from cellfolio.package.keys import check_package_name
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import open_package

    home, progress = Home(), terminal_progress()
    opened = open_package(package, home, registry=registry, progress=progress)
    part = named_part(opened)
    if name is not None:
        part = part.named(check_package_name(name))
    pushed = cellfolio.push(
        part, destination, label, force=force, workers=workers, progress=progress, home=home
    )
    return Answer(
        lambda: {**_pushed_document(pushed), "destination": destination},
        _pushed_lines(pushed, f"sent to {printable(destination)}"),
    )


def _pushed_document(pushed: Pushed) -> dict[str, Any]:
    return {
        "package": pushed.package.name,
        "top_hash": pushed.package.top_hash,
        "files": pushed.package.file_count,
        "size": pushed.package.size,
        "files_sent": pushed.files_sent,
        "bytes_sent": pushed.bytes_sent,
        "unchanged": pushed.unchanged,
    }


def _pushed_lines(pushed: Pushed, done: str) -> Iterator[str]:
    package = pushed.package
    yield paint(f"{printable(package.name)} @ {short(package.top_hash)}", "bold")
    if pushed.unchanged:
        yield "nothing changed: the latest revision is this one"
        return
    yield pushed_line(pushed, done)


def pushed_line(pushed: Pushed, done: str = "stored") -> str:
    """Return what publishing did, in numbers."""
    package = pushed.package
    return (
        f"{plural(package.file_count, 'file')}, {size_text(package.size)}; "
        f"{pushed.files_sent:,} {done} ({size_text(pushed.bytes_sent)})"
    )
