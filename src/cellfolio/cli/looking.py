"""Commands that look: list, show, log."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.catalogue import (
    DATA_SET_FIELDS,
    data_set_document,
    data_set_page,
    data_set_rows,
)
from cellfolio.cli.command import (
    Answer,
    command,
    package_argument,
    registry_option,
    selection_options,
    terminal_progress,
    unverified_option,
)
from cellfolio.cli.text import (
    columns,
    first_line,
    paint,
    plural,
    printable,
    printable_lines,
    short,
    size_text,
)

if TYPE_CHECKING:
    from cellfolio.cli.tree import TreeLimits
    from cellfolio.package.entry import Entry
    from cellfolio.package.folder import Folder
    from cellfolio.package.package import Package
    from cellfolio.registries.catalogue import DataSet
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import LogLine, Opened

README_LINES = 12
"""Lines of a README that are shown unasked."""
README_BYTES = 1_000_000
"""Size up to which a README is fetched to be shown."""


@command(
    "list",
    fields={
        "registry": "URI of the registry",
        "packages": "names of its packages, sorted",
        "data_sets": "known data sets, by name, unless a registry was named; each with "
        + ", ".join(f"`{name}`" for name in DATA_SET_FIELDS),
    },
)
@click.argument("registry", required=False)
@click.option("-s", "--search", metavar="WORDS", default="", help="Only what has all these words.")
def list_command(registry: str | None, search: str) -> Answer:
    """List the known data sets, and the packages of a registry.

    REGISTRY is s3://bucket, a folder, or 'local'; then only its packages are listed.
    """
    import cellfolio
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import find_registry

    home = Home()
    uri = find_registry(registry, home).uri
    words = search.casefold().split()
    names = [
        name
        for name in cellfolio.list_packages(registry, home=home)
        if all(word in name.casefold() for word in words)
    ]
    found = cellfolio.catalogue(home=home).search(search) if registry is None else ()
    if not names and registry is not None:
        warnings.warn(f"{uri} has no packages" + (" like that" if words else ""), stacklevel=2)
    return Answer(
        lambda: {
            "registry": uri,
            "packages": names,
            "data_sets": [data_set_document(one) for one in found],
        },
        map(printable, names) if registry is not None else _list_lines(found, names),
    )


def _list_lines(data_sets: Sequence[DataSet], names: Sequence[str]) -> Iterator[str]:
    if data_sets:
        yield paint("Data sets", "bold")
        yield from data_set_rows(data_sets)
    if names:
        yield paint("Packages of the local registry", "bold")
        yield from (f"  {printable(name)}" for name in names)
    if not data_sets and not names:
        yield "nothing has all these words"


@command(
    "log",
    fields={
        "package": "its name",
        "registry": "URI of its registry",
        "revisions": "the newest first; each with `top_hash`, `time` (ISO 8601, UTC), `message`",
    },
)
@package_argument()
@registry_option
def log_command(package: str, registry: str | None) -> Answer:
    """List the revisions of a package, the newest first."""
    import cellfolio
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import find_named

    home = Home()
    log = cellfolio.log(package, registry=registry, home=home)

    def document() -> dict[str, Any]:
        named = find_named(package, home, registry=registry)
        return {
            "package": named.name,
            "registry": named.registry.uri,
            "revisions": [
                {
                    "top_hash": line.revision.top_hash,
                    "time": line.revision.time.isoformat(),
                    "message": line.message,
                }
                for line in log
            ],
        }

    return Answer(document, columns(map(_log_row, log), "<<<") if log else ())


def _log_row(line: LogLine) -> tuple[str, str, str]:
    time = f"{line.revision.time:%Y-%m-%d %H:%M:%S} UTC"
    return short(line.revision.top_hash), time, first_line(line.message)


SHOW_FIELDS = {
    "package": "its name, or the folder",
    "registry": "URI of its registry; empty for a folder",
    "top_hash": "name of the revision",
    "message": "what its author said about the revision, or null",
    "meta": "metadata of the package, or of the folder that PATH names",
    "workflow": "the registry's workflow that checked it, or null",
    "path": "what was asked for; empty for the whole package",
    "files": "number of files",
    "size": "bytes",
    "items": "files and folders down to the depth asked for, however many; each with `key`, "
    "`kind` (file or folder), `files`, `size` (null if unknown), `digest`, `physical_key`, "
    "`meta`",
    "readme": "text of the README, or null",
    "data_set": "what the catalogue says, if PACKAGE is just the name of a data set: then all "
    "else is null",
}


@command("show", fields=SHOW_FIELDS)
@package_argument()
@registry_option
@selection_options
@click.option(
    "--depth",
    type=click.IntRange(0),
    metavar="NUMBER",
    help="Folders within folders that are shown; by default 2.",
)
@click.option("--all", "everything", is_flag=True, help="The whole tree, every file.")
@click.option("--readme/--no-readme", default=None, help="Show all of the README, or none.")
@unverified_option
def show_command(
    package: str,
    registry: str | None,
    select: Mapping[str, str],
    depth: int | None,
    everything: bool,
    readme: bool | None,
    unverified: bool,
) -> Answer:
    """Show a data set, a package, or a folder or file of it.

    PACKAGE is [REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH], or a folder on this machine that
    starts with '/', '.' or '~'. A REVISION is 'latest', the start of a top hash, a time, or a
    release. Of the name of a data set alone, the catalogue is shown, without the network; with
    --depth, --all, a revision or a path, the data set is opened.
    """
    from cellfolio.cli.tree import TreeLimits
    from cellfolio.storage.home import Home
    from cellfolio.workflows.opening import find_data_set, open_package

    home = Home()
    if not (registry or select or everything or depth is not None):
        data_set = find_data_set(package, home)
        if data_set is not None:
            return _show_data_set(data_set)
    opened = open_package(
        package,
        home,
        registry=registry,
        select=select,
        verify=not unverified,
        progress=terminal_progress(),
    )
    part = opened.package[opened.path] if opened.path else opened.package
    text = None if readme is False or opened.path else _readme(opened.package, home)
    limits = TreeLimits(None, None) if everything else TreeLimits(2 if depth is None else depth)
    return Answer(
        lambda: _show_document(opened, part, limits, text),
        _show_lines(opened, part, limits, (text, bool(readme))),
    )


def _show_data_set(data_set: DataSet) -> Answer:
    from cellfolio.registries.gallery import read_plates

    text = data_set.data_file(data_set.plates).decode() if data_set.plates else ""
    plates = read_plates(text) if text else ()
    return Answer(
        lambda: {**dict.fromkeys(SHOW_FIELDS), "data_set": data_set_document(data_set)},
        data_set_page(data_set, plates),
    )


def _readme(package: Package, home: Home) -> str | None:
    """Return the text of the README; None where it is missing, large or out of reach."""
    from cellfolio.errors import CellfolioError
    from cellfolio.workflows.opening import fetch_entry

    entry = package.readme
    if entry is None or (entry.size or 0) > README_BYTES:
        return None
    try:
        return fetch_entry(entry, home).read_text(encoding="utf-8", errors="replace")
    except (CellfolioError, OSError) as error:
        warnings.warn(f"the README cannot be shown: {error}", stacklevel=2)
        return None


def _show_document(
    opened: Opened, part: Folder | Entry, limits: TreeLimits, readme: str | None
) -> dict[str, Any]:
    from cellfolio.package.folder import Folder

    package = opened.package
    item = _item(part)
    return {
        "package": opened.name,
        "registry": opened.registry,
        "top_hash": package.top_hash,
        "message": package.message,
        "meta": item["meta"],
        "workflow": package.workflow,
        "path": opened.path,
        "files": item["files"],
        "size": item["size"],
        "items": list(_items(part, limits.depth)) if isinstance(part, Folder) else [item],
        "readme": readme,
        "data_set": None,
    }


def _items(folder: Folder, depth: int | None) -> Iterator[dict[str, Any]]:
    from cellfolio.package.folder import Folder
    from cellfolio.package.html import first_children

    if depth == 0:
        return
    for child in first_children(folder):
        yield _item(child)
        if isinstance(child, Folder):
            yield from _items(child, None if depth is None else depth - 1)


def _item(child: Folder | Entry) -> dict[str, Any]:
    from cellfolio.package.entry import Entry

    if isinstance(child, Entry):
        return {
            "key": child.logical_key,
            "kind": "file",
            "files": 1,
            "size": child.size,
            "digest": None if child.digest is None else str(child.digest),
            "physical_key": child.physical_key,
            "meta": dict(child.meta),
        }
    return {
        "key": child.key,
        "kind": "folder",
        "files": child.file_count,
        "size": child.size,
        "digest": None,
        "physical_key": None,
        "meta": child.meta,
    }


def _show_lines(
    opened: Opened, part: Folder | Entry, limits: TreeLimits, readme: tuple[str | None, bool]
) -> Iterator[str]:
    from cellfolio.cli.tree import tree_lines
    from cellfolio.package.entry import Entry

    package = opened.package
    yield paint(f"{printable(opened.name)} @ {short(package.top_hash)}", "bold")
    yield from columns(_facts(opened, part), "<<")
    if isinstance(part, Entry):
        return
    if limits.depth != 0:
        yield ""
        yield from tree_lines(part, limits)
    text, whole = readme
    if text is not None:
        yield from _readme_lines(text, whole=whole)


def _facts(opened: Opened, part: Folder | Entry) -> Iterator[tuple[str, str]]:
    from cellfolio.package.entry import Entry

    package = opened.package
    if opened.path:
        yield "  path", printable(opened.path)
    if isinstance(part, Entry):
        yield "  size", size_text(part.size)
        yield "  digest", printable(part.digest or "none")
        yield "  stored at", printable(part.physical_key)
    else:
        yield "  holds", f"{plural(part.file_count, 'file')}, {size_text(part.size)}"
    if opened.registry:
        yield "  registry", printable(opened.registry)
    for number, line in enumerate(printable_lines(package.message or "")):
        yield "" if number else "  message", line
    meta = part.meta
    if meta:
        yield from _meta_facts(meta)


def _meta_facts(meta: object) -> Iterator[tuple[str, str]]:
    pairs = list(meta.items()) if isinstance(meta, Mapping) else [("", meta)]
    for number, (key, value) in enumerate(pairs):
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        prefix = f"{printable(key)}: " if key else ""
        yield "" if number else "  metadata", prefix + printable(shown)


def _readme_lines(text: str, *, whole: bool) -> Iterator[str]:
    lines = printable_lines(text.strip())
    shown = lines if whole else lines[:README_LINES]
    yield ""
    yield from (f"  {line}".rstrip() for line in shown)
    if len(shown) < len(lines):
        yield paint(f"  … {plural(len(lines) - len(shown), 'more line')}: --readme", "dim")
