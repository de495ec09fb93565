"""How sites are measured: what decides the numbers, and what else is wanted of them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import SegmentationSettings
from cellfolio.measurement.site import SiteSettings

Decimals = Literal["float64", "float32"]


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How the sites of plates are measured.

    Attributes
    ----------
    site : SiteSettings
        What is measured.
    segmentation : SegmentationSettings
        How nuclei and cells are found, where no labels are given.
    decimals : {'float64', 'float32'}
        Type of features in tables; the second takes half of the room.
    outlines : bool
        Whether a picture of each site with its cells outlined is wanted.
    labels : bool
        Whether label images are wanted.
    """

    site: SiteSettings = field(default_factory=SiteSettings)
    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)
    decimals: Decimals = "float64"
    outlines: bool = False
    labels: bool = False

    def __post_init__(self) -> None:
        if self.decimals not in ("float64", "float32"):
            raise InvalidArgument(
                f"decimals should be 'float64' or 'float32', found {self.decimals!r}"
            )

    def deciding(self, *, segmented: bool) -> dict[str, Any]:
        """Return what decides the numbers, as JSON has it.

        Parameters
        ----------
        segmented : bool
            Whether something is segmented, so that its settings matter.
        """
        found = {"site": plain(self.site), "decimals": self.decimals}
        if segmented:
            found["segmentation"] = plain(self.segmentation)
        return found


def plain(value: Any) -> Any:
    """Return settings as JSON has them.

    Examples
    --------
    >>> plain(SiteSettings())["nucleus_distance"]
    1
    """
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value
