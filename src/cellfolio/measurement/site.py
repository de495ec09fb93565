"""Measuring a site: its nuclei, cells and cytoplasm in all channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.granularity import Spectrum
from cellfolio.measurement.image_features import CPJUMP1_GROUPS, measure_image
from cellfolio.measurement.image_quality import measure_image_quality
from cellfolio.measurement.measuring import MeasurementSettings, measure_objects, scale_image
from cellfolio.measurement.objects import Ints, Plane
from cellfolio.measurement.segmentation.segmenting import (
    CELLS,
    CYTOPLASM,
    KINDS,
    NUCLEI,
    Segmentation,
)

if TYPE_CHECKING:
    import pandas as pd

PARENTS = {CELLS: (NUCLEI,), CYTOPLASM: (CELLS, NUCLEI), NUCLEI: ()}
"""Which objects each kind names as parents."""


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What is measured in a site; the defaults are those of CPJUMP1.

    Attributes
    ----------
    features : MeasurementSettings
        Of objects; `neighbor_distance` is that of cells.
    nucleus_distance : int
        In pixels, at which another nucleus is a neighbour. Of cytoplasm, no neighbours are found.
    quality : bool
        Whether focus, saturation and light of the images are measured, too.
    """

    features: MeasurementSettings = field(default_factory=MeasurementSettings)
    nucleus_distance: int = 1
    quality: bool = True

    @property
    def image_groups(self) -> tuple[str, ...]:
        """Features of whole images: those of CPJUMP1 that are measured of objects, too."""
        return tuple(one for one in CPJUMP1_GROUPS if one in self.features.groups)

    def of(self, kind: str) -> MeasurementSettings:
        """Return what is measured of one kind of objects.

        Examples
        --------
        >>> [SiteSettings().of(kind).neighbor_distance for kind in ("Nuclei", "Cells")]
        [1, 5]
        >>> "Neighbors" in SiteSettings().of("Cytoplasm").groups
        False
        """
        if kind == NUCLEI:
            return replace(self.features, neighbor_distance=self.nucleus_distance)
        if kind == CYTOPLASM:
            groups = tuple(one for one in self.features.groups if one != "Neighbors")
            return replace(self.features, groups=groups)
        return self.features


@dataclass(frozen=True, slots=True, eq=False)
class SiteMeasurements:
    """What was measured in a site.

    Attributes
    ----------
    tables : mapping of str to pandas.DataFrame
        By kind of object, see `KINDS`: a row for each, with CellProfiler's names of columns:
        ``ObjectNumber``, ``Parent_…``, ``Children_…_Count``, then features.
    image : mapping of str to float
        Of the site as a whole: ``Count_Cells`` and so on, see `measure_image` and
        `measure_image_quality`.
    """

    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    image: Mapping[str, float]


def measure_site(
    images: Mapping[str, npt.ArrayLike],
    segmentation: Segmentation,
    settings: SiteSettings | None = None,
    *,
    raw: Mapping[str, npt.ArrayLike] | None = None,
) -> SiteMeasurements:
    """Measure the nuclei, cells and cytoplasm of a site in all channels.

    Parameters
    ----------
    images : mapping of str to array, shape (rows, columns)
        By name of the channel; see `scale_image`.
    segmentation : Segmentation
        See `segment`, and `labels_given` for labels that were made elsewhere.
    settings : SiteSettings, optional
    raw : mapping of str to array, optional
        Images as the microscope gave them, whose quality is measured; by default `images`.

    Returns
    -------
    SiteMeasurements
        A nucleus, its cell and its cytoplasm have one number. Without objects, tables have no
        rows.

    Raises
    ------
    InvalidArgument
        If there is no channel, an image has another shape than the labels, or cannot be used.

    Examples
    --------
    >>> from cellfolio.measurement import MeasurementSettings, labels_given
    >>> nuclei, cells = np.zeros((2, 12, 16), dtype=int)
    >>> cells[1:9, 2:12], nuclei[3:7, 4:8] = 5, 1
    >>> wanted = SiteSettings(MeasurementSettings(groups=("AreaShape",)))
    >>> site = measure_site({"DNA": cells / 8}, labels_given(nuclei, cells), wanted)
    >>> {kind: table["AreaShape_Area"].tolist() for kind, table in site.tables.items()}
    {'Cells': [80.0], 'Cytoplasm': [76.0], 'Nuclei': [16.0]}
    """
    settings = settings or SiteSettings()
    if not images:
        raise InvalidArgument("there is no image to measure in; expected at least one channel")
    planes = {name: scale_image(image, f"channel {name}") for name, image in images.items()}
    spectra = _spectra(planes, settings.features)
    around = {kind: segmentation.around(kind) for kind in (NUCLEI, CELLS)}
    measured = {
        kind: measure_objects(
            segmentation.labels(kind),
            planes,
            settings.of(kind),
            around=around.get(kind),
            spectra=spectra,
        )
        for kind in KINDS
    }
    numbers = {kind: table["ObjectNumber"].to_numpy() for kind, table in measured.items()}
    tables = {kind: _related(kind, table, numbers) for kind, table in measured.items()}
    image = {f"Count_{kind}": float(len(table)) for kind, table in tables.items()}
    image |= measure_image(planes, settings.features, groups=settings.image_groups, spectra=spectra)
    if settings.quality:
        image |= measure_image_quality(planes if raw is None else raw)
    return SiteMeasurements(tables, image)


def _spectra(planes: Mapping[str, Plane], settings: MeasurementSettings) -> dict[str, Spectrum]:
    """Return the spectra of granularity, which are the same for all kinds of objects."""
    if "Granularity" not in settings.groups:
        return {}
    return {name: Spectrum.of(plane, settings.granularity) for name, plane in planes.items()}


def _related(kind: str, table: pd.DataFrame, numbers: Mapping[str, Ints]) -> pd.DataFrame:
    """Return a table with the numbers of parents, and how many children there are."""
    import pandas as pd

    own = numbers[kind]
    told = {f"Parent_{parent}": own for parent in PARENTS[kind]}
    for child in KINDS:
        if kind in PARENTS[child]:
            told[f"Children_{child}_Count"] = np.isin(own, numbers[child]).astype(np.float64)
    return pd.concat([table.iloc[:, :1], pd.DataFrame(told), table.iloc[:, 1:]], axis=1)
