"""Where in what is shown a page is: read from its address, and written into others.

An address is a reference as the command line has it, after the name of the view::

    /package/NAMESPACE/NAME[@REVISION][/PATH]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from starlette.requests import Request

from cellfolio.errors import EntryNotFound, InvalidReference
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from cellfolio.registries.reference import parse_reference
from cellfolio.storage.home import Home
from cellfolio.web.shelf import Shelf, Shown
from cellfolio.workflows.opening import Opened

_PLAIN = "/~!$&'()*+,;=:@"
"""Characters of a path that addresses may have as they are."""
SHORT = 12
"""Digits of a top hash that addresses have."""


@dataclass(frozen=True, slots=True)
class Place:
    """A package, or a folder or file of it.

    Attributes
    ----------
    shelf : Shelf
    shown : Shown
    opened : Opened
    revision : str or None
        As the address has it; None for the latest.
    key : str
        Logical key of a file or folder; empty for the whole package.
    """

    shelf: Shelf
    shown: Shown
    opened: Opened
    revision: str | None
    key: str = ""

    @property
    def home(self) -> Home:
        """Where bytes are kept."""
        return self.shelf.home

    @property
    def package(self) -> Package:
        """The package, whose entries open."""
        return self.opened.package

    @property
    def found(self) -> Folder | Entry:
        """What the key names: the package itself, a folder, or a file.

        Raises
        ------
        EntryNotFound
        """
        return self.package[self.key] if self.key else self.package

    @property
    def entry(self) -> Entry:
        """The file that the key names.

        Raises
        ------
        EntryNotFound
            If there is none, or it is a folder.
        """
        if not self.key:
            raise EntryNotFound(
                f"{self.package.title} has many files; expected one of them",
                hint="add its path to the address",
            )
        return self.package.entry(self.key)

    @property
    def reference(self) -> str:
        """What names this place in addresses, not yet quoted."""
        return reference_of(self.shown.name, self.revision, self.key)

    @property
    def fixed(self) -> Place:
        """The same place of this very revision, whatever is published later."""
        return replace(self, revision=self.package.top_hash[:SHORT])

    def at(self, key: str) -> Place:
        """Return another place of the same revision."""
        return replace(self, key=key)

    def link(self, view: str, key: str | None = None, **query: object) -> str:
        """Return the address of a view of this place, or of another key of the same revision.

        Parameters
        ----------
        view : str
            Such as ``package`` or ``api/bytes``.
        key : str, optional
        **query
            Parameters; those that are None are left out.
        """
        return link_of(view, self.reference if key is None else self.at(key).reference, **query)


def reference_of(name: str, revision: str | None = None, key: str = "") -> str:
    """Return the reference that addresses have.

    Examples
    --------
    >>> reference_of("demo/cell-painting", "1c517d7", "images/a.tiff")
    'demo/cell-painting@1c517d7/images/a.tiff'
    """
    return name + (f"@{revision}" if revision else "") + (f"/{key}" if key else "")


def link_of(view: str, reference: str, **query: object) -> str:
    """Return the address of a view.

    Examples
    --------
    >>> link_of("package", "demo/cells/a b.csv", tab="code", page=None)
    '/package/demo/cells/a%20b.csv?tab=code'
    """
    pairs = [(name, value) for name, value in query.items() if value is not None]
    path = f"/{view}/{quoted_reference(reference)}"
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def quoted_reference(reference: str) -> str:
    """Return a reference as the path of an address has it.

    Examples
    --------
    >>> quoted_reference("demo/cells/a b#1.csv")
    'demo/cells/a%20b%231.csv'
    """
    return quote(reference, safe=_PLAIN)


def read_place(request: Request) -> Place:
    """Return the place that the address of a request names.

    Raises
    ------
    InvalidReference
        If it is no name of a package.
    PackageNotFound, RevisionNotFound
    """
    return find_place(request.app.state.shelf, request.path_params["reference"])


def find_place(shelf: Shelf, text: str) -> Place:
    """Return the place that a reference names.

    Raises
    ------
    InvalidReference, PackageNotFound, RevisionNotFound
    """
    reference = parse_reference(text)
    if reference.registry is not None:
        raise InvalidReference(
            f"{text!r} names a registry; the portal shows what it was started with",
            hint="start it with `cellfolio serve REGISTRY/NAMESPACE/NAME`",
        )
    shown = shelf.find(reference.name)
    opened = shelf.open(shown, reference.revision)
    return Place(shelf, shown, opened, reference.revision, reference.path)
