"""How sites are measured: what decides the numbers, and what else is wanted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import GROUPS, MeasurementSettings, SegmentationSettings, Threshold
from cellfolio.measurement.site import SiteSettings
from cellfolio.package.nearest import suggest_or_list

Decimals = Literal["float64", "float32"]
QUALITY = "ImageQuality"
"""A group of features of images, not of cells."""


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


def named_settings(
    groups: Sequence[str], nuclei: str, cells: str, cell_threshold: float | None = None
) -> tuple[SiteSettings, SegmentationSettings]:
    """Return what is measured, and how objects are found, as users name it.

    Parameters
    ----------
    groups : sequence of str
        Features; all if empty.
    nuclei, cells : str
        Channels that they are found in.
    cell_threshold : float, optional
        Above which a pixel of the channel, as a share of what its type can hold, may be of a cell;
        by default found in each image.

    Raises
    ------
    InvalidArgument
        If there are no such features, or the threshold is not between 0 and 1.

    Examples
    --------
    >>> site, segmentation = named_settings(["Intensity"], "DNA", "AGP")
    >>> site.features.groups, site.quality, segmentation.cells.channel
    (('Intensity',), False, 'AGP')
    """
    there = (*GROUPS, QUALITY)
    wanted = tuple(sorted(set(groups or there)))
    for group in wanted:
        if group not in there:
            raise InvalidArgument(
                f"there are no features {group!r}", hint=suggest_or_list(group, there)
            )
    features = MeasurementSettings(groups=tuple(one for one in wanted if one != QUALITY))
    found = SegmentationSettings()
    cells_found = replace(found.cells, channel=cells)
    if cell_threshold is not None:
        manual = Threshold(method="Manual", manual=cell_threshold)
        cells_found = replace(cells_found, threshold=manual)
    return SiteSettings(features, quality=QUALITY in wanted), replace(
        found, nuclei=replace(found.nuclei, channel=nuclei), cells=cells_found
    )


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
