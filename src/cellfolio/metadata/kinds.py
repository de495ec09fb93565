"""The kinds of records that packages of the Allen Institute for Cell Science have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of records.

    Attributes
    ----------
    name : str
        Plural, as their folder and the lists of links in info documents are called.
    one : str
        Singular; empty where there is no word for it.
    long : str
        What SCHEMA calls the lists of links.

    Examples
    --------
    >>> AICS_KINDS[4].schema_key, AICS_KINDS[4].words
    ('unique_cell_segmentation_info', ('cell_segs', 'cell_segmentations'))
    """

    name: str
    one: str = ""
    long: str = ""

    @property
    def schema_key(self) -> str:
        """Its key in SCHEMA."""
        return f"unique_{(self.long or self.name).removesuffix('s')}_info"

    @property
    def words(self) -> tuple[str, ...]:
        """The words, in the plural, that stand for it in documents."""
        return (self.name, self.long) if self.long else (self.name,)


AICS_KINDS = (
    Kind("lines", "line"),
    Kind("plates", "plate"),
    Kind("wells", "well"),
    Kind("fovs", "fov"),
    Kind("cell_segs", "cell_seg", "cell_segmentations"),
    Kind("nuclei_segs", "nuclei_seg", "nuclei_segmentations"),
    Kind("structure_segs", "structure_seg", "structure_segmentations"),
)
"""From the largest to the smallest, as in ``aics/aics_23``."""


def find_kind(kinds: Iterable[Kind], word: str) -> Kind | None:
    """Return the kind that a word stands for: its name, singular, or name in SCHEMA.

    Examples
    --------
    >>> find_kind(AICS_KINDS, "cell_segmentations").name, find_kind(AICS_KINDS, "gene")
    ('cell_segs', None)
    """
    return next((kind for kind in kinds if word and word in (*kind.words, kind.one)), None)
