"""All tabs there are, in their order."""

from __future__ import annotations

from cellfolio.errors import InvalidArgument
from cellfolio.web.places import Place
from cellfolio.web.tabs.code import CODE
from cellfolio.web.tabs.compare import COMPARE
from cellfolio.web.tabs.files import FILES
from cellfolio.web.tabs.metadata import METADATA
from cellfolio.web.tabs.plates import PLATES
from cellfolio.web.tabs.readme import README
from cellfolio.web.tabs.records import RECORDS
from cellfolio.web.tabs.revisions import REVISIONS_TAB
from cellfolio.web.tabs.runs import RUNS
from cellfolio.web.tabs.tab import Tab

TABS: tuple[Tab, ...] = (
    FILES,
    README,
    PLATES,
    RECORDS,
    RUNS,
    METADATA,
    REVISIONS_TAB,
    COMPARE,
    CODE,
)
"""The first that suits a folder is shown unasked; of a file, its previews come before them."""


def tabs_of(place: Place) -> tuple[Tab, ...]:
    """Return the tabs of a place."""
    return tuple(tab for tab in TABS if tab.suits(place))


def choose_tab(place: Place, name: str | None) -> Tab:
    """Return the tab of that name, or the first.

    Raises
    ------
    InvalidArgument
        If the place has no such tab.
    """
    suited = tabs_of(place)
    for tab in suited:
        if name in (None, tab.name):
            return tab
    raise InvalidArgument(
        f"{place.reference} has no tab {name!r}",
        hint=f"it has {', '.join(tab.name for tab in suited)}",
    )
