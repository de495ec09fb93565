"""The systems that data sets live in: which registry an address stands for.

::

    s3://bucket, /folder                  Quilt: a registry of many packages
    abc+s3://bucket                       releases of the Allen Brain Cell Atlas
    listing+s3://bucket/prefix            what lies below a prefix
    listing+s3://bucket/prefix#FILE       the same, as a file of the catalogue lists it
    lfs+FOLDER|TABLE|ARCHIVE#TEMPLATE     files that Git-LFS pointers name, at the template's URLs
    cpg+s3://bucket/project/source#plate=…&well=…   images of a plate of the Cell Painting Gallery

All but Quilt's hold one package each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from cellfolio.errors import InvalidArgument, InvalidReference
from cellfolio.package.package import Package
from cellfolio.registries.abc.registry import AbcRegistry
from cellfolio.registries.catalogue import DataSet, load_catalogue
from cellfolio.registries.gallery import read_plates
from cellfolio.registries.gallery_images import select_images, summarise
from cellfolio.registries.lfs import look_at_pointers
from cellfolio.registries.listing import list_objects, read_saved_listing
from cellfolio.registries.observed import Look, ObservedRegistry
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.registries.registry import Registry
from cellfolio.registries.selection import parse_selection
from cellfolio.storage.home import Home

SELECTORS = ("batch", "plate", "well", "site", "channel")
"""What images of a plate can be selected by."""
_ADDRESS = re.compile(
    r"(?P<system>abc|listing|lfs|cpg)\+(?P<address>[^#]+?)(?:@(?P<revision>[^@/#]+))?"
    r"(?:#(?P<detail>.*))?",
    re.DOTALL,
)
Described = Callable[[], DataSet]
_NOT_NAME = re.compile(r"[^\w-]+")


def is_address(text: str) -> bool:
    """Whether a user's word is an address of one of the systems that hold one package.

    Examples
    --------
    >>> is_address("abc+s3://allen-brain-cell-atlas@20250531"), is_address("abc/atlas")
    (True, False)
    """
    return _ADDRESS.fullmatch(text) is not None


def is_selection(uri: str) -> bool:
    """Whether a registry's package is chosen from something larger that is not listed whole."""
    return uri.startswith("cpg+")


def split_address(text: str) -> tuple[str, str | None, str]:
    """Return the registry's URI, the revision, and a name for the package.

    Examples
    --------
    >>> split_address("listing+s3://gallery/cpg0003/profiles@2026-03-01")
    ('listing+s3://gallery/cpg0003/profiles', '2026-03-01', 'gallery/profiles')
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise InvalidReference(f"{text!r} is not an address; expected SYSTEM+URI[@REVISION]")
    address = found["address"]
    if "://" not in address:
        address = Path(address).expanduser().resolve().as_uri()
    detail = "" if found["detail"] is None else f"#{found['detail']}"
    parts = [_NOT_NAME.sub("_", part) for part in address.partition("://")[2].split("/") if part]
    name = f"{parts[0]}/{parts[-1]}" if len(parts) > 1 else f"{found['system']}/{parts[0]}"
    return f"{found['system']}+{address.rstrip('/')}{detail}", found["revision"], name


def registry_of(uri: str, home: Home, *, data_set: DataSet | None = None) -> Registry:
    """Return the registry of a URI, of whatever system.

    Parameters
    ----------
    uri : str
    home : Home
    data_set : DataSet, optional
        Whose address it is, if that is known; else the catalogue is asked where it matters.
    """
    found = _ADDRESS.fullmatch(uri)
    if found is None:
        return QuiltRegistry(uri, home)
    if found["system"] == "abc":
        return AbcRegistry(uri, home)
    address = f"{found['system']}+{found['address']}"

    def described() -> DataSet:
        return data_set or _find_by_address(address, home)

    look = _LOOKS[found["system"]](found["address"], found["detail"] or "", home, described)
    return ObservedRegistry(uri, split_address(uri)[2], look, home)


def uri_of(data_set: DataSet, select: Mapping[str, str]) -> str:
    """Return the URI of the registry that holds a data set, or the selected part of it.

    Raises
    ------
    InvalidArgument
        If it has no plates to select from, or too many to get without selecting.
    """
    uri = data_set.address
    if uri.startswith("cpg+"):
        return f"{uri}#{_fragment(select, data_set)}"
    if select:
        raise InvalidArgument(
            f"{data_set.name} is not kept by plate; {', '.join(select)} cannot be selected",
            hint="name files, folders or globs of it",
        )
    detail = data_set.listing or data_set.bytes
    return f"{uri}#{detail}" if detail else uri


def _fragment(select: Mapping[str, str], data_set: DataSet) -> str:
    unknown = sorted(set(select) - set(SELECTORS))
    if unknown:
        raise InvalidArgument(
            f"images cannot be selected by {', '.join(unknown)}; expected {', '.join(SELECTORS)}"
        )
    if not select.get("plate"):
        raise InvalidArgument(
            f"{data_set.name} has images of many plates; name one",
            hint=f"--plate BARCODE; `cellfolio show {data_set.name}` lists them",
        )
    return urlencode([(name, select[name]) for name in SELECTORS if select.get(name)])


def _listing(address: str, detail: str, home: Home, described: Described) -> Look:
    def look(*, hasty: bool) -> Package:
        if not detail:
            return list_objects(address, home.remotes, hasty=hasty)
        folder = address.rstrip("/").rpartition("/")[2]
        return read_saved_listing(described().data_file(detail), address, saved_prefix=folder)

    return look


def _lfs(address: str, detail: str, home: Home, _: Described) -> Look:
    def look(*, hasty: bool) -> Package:
        return look_at_pointers(address, detail, home.remotes, hasty=hasty)

    return look


def _cpg(address: str, detail: str, home: Home, described: Described) -> Look:
    def look(*, hasty: bool) -> Package:
        data_set = described()
        words = dict(parse_qsl(detail))
        selection = parse_selection(
            words.get("plate", ""),
            batch=words.get("batch"),
            wells=words.get("well", ()),
            sites=words.get("site", ()),
            channels=words.get("channel", ()),
        )
        plates = (
            read_plates(data_set.data_file(data_set.plates).decode()) if data_set.plates else ()
        )
        remotes = home.remotes.hurried() if hasty else home.remotes
        selected = select_images(address, selection, plates, remotes)
        return selected.package.with_header(message=summarise(selected))

    return look


_LOOKS: Mapping[str, Callable[[str, str, Home, Described], Look]] = {
    "listing": _listing,
    "lfs": _lfs,
    "cpg": _cpg,
}


def _find_by_address(address: str, home: Home) -> DataSet:
    for data_set in load_catalogue(home).data_sets:
        if data_set.address == address:
            return data_set
    raise InvalidArgument(
        f"no data set of the catalogue has the address {address}",
        hint="add it to a catalogue of your own, and name that with CELLFOLIO_CATALOGUE",
    )
