"""How nuclei and cells are found: names are those of CellProfiler, defaults those of CPJUMP1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest

THRESHOLDS = ("Minimum Cross-Entropy", "Otsu", "Manual")
DECLUMPING = ("Shape", "Intensity", "None")
DIVIDING = ("Shape", "Intensity", "Propagate", "None")
HOLES = ("Never", "After declumping only", "After both thresholding and declumping")
METHODS = ("Watershed - Image", "Watershed - Gradient", "Propagation", "Distance - N")
"""How cells are found from nuclei."""


def check_one(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise if a setting is not one of those allowed."""
    if value not in allowed:
        raise InvalidArgument(
            f"{name} should be one of {', '.join(allowed)}; found {value!r}",
            hint=suggest(value, allowed),
        )


def check_least(name: str, value: float, least: float) -> None:
    """Raise if a setting is too small, or no number."""
    if not value >= least:
        raise InvalidArgument(f"{name} should be at least {least}, found {value!r}")


@dataclass(frozen=True, slots=True)
class Background:
    """A smooth background that is subtracted from one image, found in itself.

    Attributes
    ----------
    block_size : int
        In pixels; the background of a block is its least value.
    filter_size : float
        In pixels, of the Gaussian that smooths the blocks: its full width at half maximum.

    Examples
    --------
    >>> Background().filter_size
    50.0
    """

    block_size: int = 30
    filter_size: float = 50.0

    def __post_init__(self) -> None:
        check_least("block_size", self.block_size, 1)
        check_least("filter_size", self.filter_size, 0)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is bright enough to be foreground, in one threshold for the whole image.

    Attributes
    ----------
    method : str
        Of `THRESHOLDS`.
    smoothing_scale : float
        In pixels, of the Gaussian that smooths the image before it is compared with the threshold.
    correction_factor : float
        By which the threshold is multiplied.
    lower_bound, upper_bound : float
        Between which it stays.
    classes : int
        Of Otsu's method: 2 or 3.
    middle_is_foreground : bool
        Where there are three classes.
    manual : float
        The threshold, where the method is Manual.

    Examples
    --------
    >>> Threshold("Otzu")
    Traceback (most recent call last):
    ...
    cellfolio.errors.InvalidArgument: method should be one of Minimum Cross-Entropy, Otsu, Manual; \
found 'Otzu'
    """

    method: str = "Minimum Cross-Entropy"
    smoothing_scale: float = 0.0
    correction_factor: float = 1.0
    lower_bound: float = 0.0
    upper_bound: float = 1.0
    classes: int = 2
    middle_is_foreground: bool = True
    manual: float = 0.0

    def __post_init__(self) -> None:
        check_one("method", self.method, THRESHOLDS)
        check_least("smoothing_scale", self.smoothing_scale, 0)
        check_least("correction_factor", self.correction_factor, 0)
        if not 0 <= self.lower_bound <= self.upper_bound <= 1:
            raise InvalidArgument(
                "bounds of a threshold should be from 0 to 1 and in order, found "
                f"{self.lower_bound!r} and {self.upper_bound!r}"
            )
        if not 0 <= self.manual <= 1:
            raise InvalidArgument(
                f"a manual threshold should be from 0 to 1, found {self.manual!r}",
                hint="intensities are shares of what the image's type can hold",
            )
        if self.classes not in (2, 3):
            raise InvalidArgument(f"classes should be 2 or 3, found {self.classes!r}")


@dataclass(frozen=True, slots=True)
class NucleusSettings:
    """How nuclei are found (IdentifyPrimaryObjects).

    Attributes
    ----------
    channel : str
    background : Background or None
        What is subtracted first.
    threshold : Threshold
    min_diameter, max_diameter : float
        In pixels, of a circle of the same area; nuclei outside are discarded.
    discard_outside_size, discard_border : bool
        Whether those outside of the diameters, and those that touch the border, are discarded.
    declumping : str
        Of `DECLUMPING`: by what nuclei that touch are told from each other.
    dividing_lines : str
        Of `DIVIDING`: by what the lines between them are drawn.
    smoothing_filter_size, minimum_distance : float or None
        In pixels: what is smaller does not make another nucleus; None is by `min_diameter`.
    lower_resolution_maxima : bool
        Whether maxima are found in a smaller image, where `min_diameter` is more than 10.
    fill_holes : str
        Of `HOLES`.
    maximum_count : int or None
        If there are more, the image has none.

    Examples
    --------
    >>> NucleusSettings().threshold.correction_factor
    1.25
    """

    channel: str = "DNA"
    background: Background | None = Background()
    threshold: Threshold = Threshold(smoothing_scale=3.0, correction_factor=1.25, lower_bound=0.014)
    min_diameter: float = 10.0
    max_diameter: float = 75.0
    discard_outside_size: bool = True
    discard_border: bool = True
    declumping: str = "Shape"
    dividing_lines: str = "Shape"
    smoothing_filter_size: float | None = 7.0
    minimum_distance: float | None = 8.0
    lower_resolution_maxima: bool = True
    fill_holes: str = "Never"
    maximum_count: int | None = 500

    def __post_init__(self) -> None:
        check_one("declumping", self.declumping, DECLUMPING)
        check_one("dividing_lines", self.dividing_lines, DIVIDING)
        check_one("fill_holes", self.fill_holes, HOLES)
        if not 0 < self.min_diameter <= self.max_diameter:
            raise InvalidArgument(
                "diameters should be more than 0 and in order, found "
                f"{self.min_diameter!r} and {self.max_diameter!r}"
            )
        for name in ("smoothing_filter_size", "minimum_distance"):
            if getattr(self, name) is not None:
                check_least(name, getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class CellSettings:
    """How cells are found from nuclei (IdentifySecondaryObjects).

    Attributes
    ----------
    channel : str
    method : str
        Of `METHODS`.
    threshold : Threshold
    regularization_factor : float
        Of Propagation: 0 is by the image alone, much more than 1 by distance alone.
    distance : float
        Of Distance - N, in pixels.
    fill_holes : bool
    discard_border : bool
        Whether cells that touch the border are discarded, with their nuclei.

    Examples
    --------
    >>> CellSettings().method
    'Watershed - Image'
    """

    channel: str = "RNA"
    method: str = "Watershed - Image"
    threshold: Threshold = Threshold(lower_bound=0.005, upper_bound=0.014)
    regularization_factor: float = 0.05
    distance: float = 10.0
    fill_holes: bool = True
    discard_border: bool = False

    def __post_init__(self) -> None:
        check_one("method", self.method, METHODS)
        check_least("regularization_factor", self.regularization_factor, 0)
        check_least("distance", self.distance, 0)


@dataclass(frozen=True, slots=True)
class SegmentationSettings:
    """How nuclei, cells and cytoplasm are found; the defaults are those of CPJUMP1.

    Attributes
    ----------
    nuclei : NucleusSettings
    cells : CellSettings
    shrink_nuclei : bool
        Whether the outline of a nucleus belongs to the cytoplasm, so that there is always some.

    Examples
    --------
    >>> from dataclasses import replace
    >>> settings = SegmentationSettings(cells=CellSettings(channel="AGP", method="Propagation"))
    >>> settings.nuclei.channel, settings.cells.channel
    ('DNA', 'AGP')
    """

    nuclei: NucleusSettings = field(default_factory=NucleusSettings)
    cells: CellSettings = field(default_factory=CellSettings)
    shrink_nuclei: bool = True
