"""What opens the bytes of an entry: given to a package from above, because a package has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cellfolio.package.entry import Entry


class Opener(Protocol):
    """Opens entries as what they are; see `cellfolio.workflows.loading.HomeOpener`."""

    def load(self, entry: Entry, **options: Any) -> Any:
        """Read an entry, fetched and checked if it is not here."""
        ...

    def open(self, entry: Entry, **options: Any) -> Any:
        """Open an entry without reading more of it than is needed to know what it is."""
        ...
