"""Cards: what is known of a data set or package before anybody opens it, in one form for both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from cellfolio.formats.images.opening import names_image
from cellfolio.package.package import Package
from cellfolio.registries.data_sets import DataSet

NAMED, LOCAL = "opened here", "this machine"
"""Sources of what the user named when the portal was started, and of the local registry."""
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "modalities": ("modality", "modalities"),
    "organisms": ("organism", "organisms", "species"),
    "cell_lines": ("cell_line", "cell_lines", "cellline"),
}
"""Fields of a package's metadata that mean what those of a card do."""
_TITLES = ("title", "name")
_DESCRIPTIONS = ("description", "summary", "abstract")
_EXPRESSION = (".h5ad", ".loom", ".mtx", ".mtx.gz", ".gct", ".gctx")
_LOOKED_AT = 2_000
"""Files whose names may tell a modality that the metadata does not."""
_VALUES, _CHARACTERS = 20, 80
"""Values of a field, and characters of one, that are taken from metadata."""
_SEARCHED = 20_000
"""Characters of metadata that are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a data set or package.

    Attributes
    ----------
    name : str
        ``namespace/name``.
    title, description : str
        Empty where nothing is known.
    sources : tuple of str
        Where it is: `NAMED`, `LOCAL`, the bucket or host of a data set.
    modalities, organisms, cell_lines : tuple of str
    size, files : int or None
    package : Package or None
        If it is on this machine; the names of its files can be searched.
    searched : str
        All text of it, without difference of case.
    """

    name: str
    title: str = ""
    description: str = ""
    sources: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    organisms: tuple[str, ...] = ()
    cell_lines: tuple[str, ...] = ()
    size: int | None = None
    files: int | None = None
    package: Package | None = None
    searched: str = ""


def card_of_data_set(data_set: DataSet) -> Card:
    """Return the card of a data set of the catalogue."""
    texts = (
        data_set.name,
        data_set.title,
        data_set.description,
        data_set.notes,
        data_set.licence,
        data_set.citation,
        data_set.address,
        *data_set.contains,
        *data_set.modalities,
        *data_set.organisms,
        *data_set.cell_lines,
    )
    return Card(
        name=data_set.name,
        title=data_set.title,
        description=data_set.description,
        sources=(bucket_of(data_set.address),),
        modalities=data_set.modalities,
        organisms=data_set.organisms,
        cell_lines=data_set.cell_lines,
        size=data_set.size,
        files=data_set.files,
        searched="\n".join(texts).casefold(),
    )


def card_of_package(name: str, package: Package, source: str) -> Card:
    """Return the card of a package that is open.

    Its metadata tells title, modality, organism and cell line if it has fields of those names. A
    modality that it does not tell is taken from the names of some files.
    """
    meta = package.meta
    told = meta if isinstance(meta, Mapping) else {}
    found = {field: _values(told, names) for field, names in _FIELDS.items()}
    modalities = found["modalities"] or modalities_of(_some_names(package))
    text = json.dumps([meta, package.folder_meta], ensure_ascii=False, default=str)[:_SEARCHED]
    title, description = _text(told, _TITLES), _text(told, _DESCRIPTIONS)
    texts = (name, title, description, package.message or "", text, *modalities)
    return Card(
        name=name,
        title=title if title != name else "",
        description=description or package.message or "",
        sources=(source,),
        modalities=modalities,
        organisms=found["organisms"],
        cell_lines=found["cell_lines"],
        size=package.size,
        files=package.file_count,
        package=package,
        searched="\n".join(texts).casefold(),
    )


def merge_cards(cards: Iterable[Card]) -> tuple[Card, ...]:
    """Return one card for each name, sorted; of two, the first tells what it can.

    Examples
    --------
    >>> known = Card(name="lab/screen", title="Screen", sources=("s3://lab",))
    >>> local = Card(name="lab/screen", sources=(LOCAL,), size=3)
    >>> [(card.title, card.sources, card.size) for card in merge_cards([local, known])]
    [('Screen', ('this machine', 's3://lab'), 3)]
    """
    found: dict[str, Card] = {}
    for card in cards:
        before = found.get(card.name)
        found[card.name] = card if before is None else _merged(before, card)
    return tuple(found[name] for name in sorted(found))


def _merged(one: Card, other: Card) -> Card:
    return replace(
        one,
        title=one.title or other.title,
        description=one.description or other.description,
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
        modalities=one.modalities or other.modalities,
        organisms=one.organisms or other.organisms,
        cell_lines=one.cell_lines or other.cell_lines,
        size=other.size if one.size is None else one.size,
        files=other.files if one.files is None else one.files,
        package=one.package or other.package,
        searched=f"{one.searched}\n{other.searched}",
    )


def modalities_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the modalities that names of files tell.

    Examples
    --------
    >>> modalities_of(["a/b.ome.tiff", "counts.h5ad", "README.md"])
    ('expression', 'images')
    """
    found = set()
    for name in names:
        if names_image(name):
            found.add("images")
        elif name.lower().endswith(_EXPRESSION):
            found.add("expression")
    return tuple(sorted(found))


def bucket_of(address: str) -> str:
    """Return the bucket or host of an address, or ``a folder``.

    Examples
    --------
    >>> bucket_of("abc+s3://allen-brain-cell-atlas"), bucket_of("lfs+https://host/x|y")
    ('s3://allen-brain-cell-atlas', 'host')
    """
    uri = address.rpartition("+")[2] if "+" in address.partition("://")[0] else address
    parts = urlsplit(uri.partition("|")[0])
    if parts.scheme == "file":
        return "a folder"
    return f"s3://{parts.netloc}" if parts.scheme == "s3" else parts.netloc or uri


def _some_names(package: Package) -> Iterator[str]:
    """Yield names of files from all over a package."""
    step = max(1, package.file_count // _LOOKED_AT)
    return islice((package.rows.key(i) for i in range(0, package.file_count, step)), _LOOKED_AT)


def _values(meta: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    for key, value in meta.items():
        if _plain(key) in names:
            listed = value if isinstance(value, list) else [value]
            texts = [str(one)[:_CHARACTERS] for one in listed if isinstance(one, str | int | float)]
            return tuple(dict.fromkeys(text for text in texts if text.strip()))[:_VALUES]
    return ()


def _text(meta: Mapping[str, Any], names: tuple[str, ...]) -> str:
    fields = {_plain(key): value for key, value in meta.items()}
    found = next((fields[name] for name in names if isinstance(fields.get(name), str)), "")
    return str(found).strip()


def _plain(key: str) -> str:
    return key.casefold().removeprefix("metadata_").replace(" ", "_").replace("-", "_")
