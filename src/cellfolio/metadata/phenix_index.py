"""``Index.idx.xml``, where the Opera Phenix notes every image of a plate, as a table.

The columns are those of a table of image files (see `cellfolio.metadata.load_data`): what the
index calls ``PositionX`` is ``Metadata_PositionX`` here, as in ``load_data.csv``.

References
----------
``Index.idx.xml`` of Harmony (``EvaluationInputData``): newer versions keep what all images of a
channel share in ``Maps`` instead of each ``Image``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellfolio.formats.images.malformed import Malformed, naming
from cellfolio.formats.xml import local_name, parse_xml
from cellfolio.metadata.columns import PLATE, PREFIX, SITE, WELL, plain_numbers
from cellfolio.metadata.load_data import CHANNEL, FILE, FOLDER, KIND, sorted_by_site
from cellfolio.registries.plates import Well
from cellfolio.registries.selection import CPJUMP1_CHANNELS, Channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    import pandas as pd

_KEYS = ("URL", "Row", "Col", "FieldID", "ChannelID")


def read_phenix_index(
    text: str, *, name: str = "Index.idx.xml", channels: Sequence[Channel] = CPJUMP1_CHANNELS
) -> pd.DataFrame:
    """Read an index of the Opera Phenix.

    Parameters
    ----------
    text : str
    name : str
        What the user calls the file.
    channels : sequence of Channel
        What the numbers of channels stand for; others are called as the index does.

    Returns
    -------
    pandas.DataFrame
        A row for each image: plate, well, site, channel, file, and everything that the index
        tells of it, with the prefix ``Metadata_``.

    Raises
    ------
    BrokenFile
        If it is no such index.
    """
    import pandas as pd

    with naming(name, "xml"):
        root = parse_xml(text, "it")
        plates = _texts(root, "PlateID")
        shared = _shared(root)
        images = [one for one in root.iter() if local_name(one) == "Image"]
        told = [_leaves(one) for one in images]
        complete = [one for one in told if all(one.get(key) for key in _KEYS)]
        if not complete:
            raise Malformed(f"it tells no image with {', '.join(_KEYS)}")
        rows = [shared.get(one["ChannelID"], {}) | one for one in complete]
        try:
            wells = [str(Well(int(one["Row"]), int(one["Col"]))) for one in rows]
            sites = [int(one["FieldID"]) for one in rows]
            numbers = [int(one["ChannelID"]) for one in rows]
        except ValueError as error:
            raise Malformed(f"a row, column, field or channel is no number: {error}") from error
    known = {one.number: one.name for one in channels}
    names = [
        known.get(number) or one.get("ChannelName") or str(number)
        for number, one in zip(numbers, rows, strict=True)
    ]
    plate = plates[0] if plates else ""
    keys = pd.DataFrame({PLATE: plate, WELL: wells, SITE: sites, CHANNEL: names, KIND: "Orig"})
    keys[FILE] = [one["URL"] for one in rows]
    keys[FOLDER] = None
    rest = plain_numbers(pd.DataFrame([_without(one, "URL") for one in rows]).add_prefix(PREFIX))
    return sorted_by_site(pd.concat([keys, rest], axis=1))


def _leaves(node: Element) -> dict[str, str]:
    return {local_name(one): (one.text or "").strip() for one in node if not len(one)}


def _shared(root: Element) -> dict[str, dict[str, str]]:
    """Return what the maps tell of each channel."""
    found: dict[str, dict[str, str]] = {}
    for entry in root.iter():
        number = entry.get("ChannelID")
        if local_name(entry) == "Entry" and number:
            found.setdefault(number, {}).update(_leaves(entry))
    return found


def _texts(root: Element, name: str) -> list[str]:
    return [one.text.strip() for one in root.iter() if local_name(one) == name and one.text]


def _without(mapping: dict[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in mapping.items() if name != key}
