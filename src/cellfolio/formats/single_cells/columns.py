"""How columns of single cells are called, whatever wrote them."""

from __future__ import annotations

from collections.abc import Sequence

METADATA = "Metadata_"
_OF_IMAGE = "Image_Metadata_"


def renamed(names: Sequence[str]) -> dict[str, str]:
    """Return the names of a table by those that we use: metadata first.

    ``Image_Metadata_Well``, as image tables of CellProfiler and older files of CytoTable have it,
    is ``Metadata_Well``, if there is none of that name.

    Examples
    --------
    >>> renamed(["Cells_Area", "Image_Metadata_Well"])
    {'Metadata_Well': 'Image_Metadata_Well', 'Cells_Area': 'Cells_Area'}
    """
    known = set(names)
    found = {}
    for name in names:
        new = name.removeprefix("Image_") if name.startswith(_OF_IMAGE) else name
        found[name if new in known else new] = name
    metadata = {new: old for new, old in found.items() if new.startswith(METADATA)}
    return metadata | found
