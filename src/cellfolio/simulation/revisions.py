"""What the published revisions of a simulated experiment hold, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cellfolio.errors import InvalidArgument
from cellfolio.simulation.design import ExperimentDesign, Plate, Stream, WellDesign
from cellfolio.simulation.perturbations import Perturbation
from cellfolio.simulation.site import Acquisition

REVISIONS = (1, 2)
"""Numbers of the revisions there are."""

REIMAGED = 2
"""Sites that revision 1 has out of focus and revision 2 has again."""

DEFOCUS = 4.0
"""Blur of those sites in revision 1, pixel."""


@dataclass(frozen=True, slots=True)
class Site:
    """One field of view of an experiment, and the names of its files.

    Examples
    --------
    >>> from cellfolio.simulation import DMSO
    >>> site = Site(Plate(0, "SIM00001", "SIM-MAP-01"), WellDesign(2, 3, DMSO), 1)
    >>> site.image_key
    'images/SIM00001/r02c03f01p01.ome.tiff'
    """

    plate: Plate
    well: WellDesign
    number: int

    @property
    def name(self) -> str:
        """Row, column, field and plane, as an Opera Phenix names them."""
        return f"r{self.well.row:02d}c{self.well.column:02d}f{self.number:02d}p01"

    @property
    def image_key(self) -> str:
        """Path of its image, all channels."""
        return f"images/{self.plate.barcode}/{self.name}.ome.tiff"

    def labels_key(self, kind: str) -> str:
        """Path of its label image of one kind, ``"nuclei"`` or ``"cells"``."""
        return f"segmentation/{self.plate.barcode}/{self.name}_{kind}.tiff"


@dataclass(frozen=True, slots=True)
class RevisionPlan:
    """What one revision of an experiment holds.

    Parameters
    ----------
    number : int
        One of `REVISIONS`.
    design : ExperimentDesign
        With the plates that this revision has.
    blurred : tuple of Site
        The sites that revision 1 has out of focus.
    mislabelled : Perturbation or None
        The perturbation whose target revision 1 gives wrongly.
    """

    number: int
    design: ExperimentDesign
    blurred: tuple[Site, ...]
    mislabelled: Perturbation | None

    @property
    def sites(self) -> tuple[Site, ...]:
        """All sites by plate, well and number."""
        return tuple(site for plate in self.design.plates for site in self.sites_of(plate))

    def sites_of(self, plate: Plate) -> tuple[Site, ...]:
        """Return the sites of one plate by well and number."""
        return tuple(
            Site(plate, well, number)
            for well in self.design.layout(plate)
            for number in range(1, self.design.site_count + 1)
        )

    def acquisition(self, site: Site) -> Acquisition:
        """Return which picture of a site the revision has."""
        if site not in self.blurred:
            return Acquisition()
        return Acquisition(1, DEFOCUS) if self.number == 1 else Acquisition(2)

    def annotated_target(self, perturbation: Perturbation) -> str:
        """Return the target that the revision's annotation gives a perturbation."""
        if self.number > 1 or perturbation != self.mislabelled:
            return perturbation.target
        # The commonest slip in such tables: the value of the line above.
        above = self.design.perturbations.index(perturbation) - 1
        return self.design.perturbations[above].target if above >= 0 else ""


def plan_revision(design: ExperimentDesign, number: int) -> RevisionPlan:
    """Decide what one revision of an experiment holds.

    Revision 2 adds a plate, has two sites of the first plate again that revision 1 has out of
    focus, corrects one target in the annotation, and drops the notes.

    Parameters
    ----------
    design : ExperimentDesign
        The experiment as revision 1 has it.
    number : int
        One of `REVISIONS`.

    Returns
    -------
    RevisionPlan
        Everything that does not differ is the same, byte for byte.

    Raises
    ------
    InvalidArgument
        There is no such revision.

    Examples
    --------
    >>> plan = plan_revision(ExperimentDesign(seed=7), 2)
    >>> len(plan.design.plates), plan.mislabelled.name
    (4, 'simatrunculin')
    """
    if number not in REVISIONS:
        raise InvalidArgument(
            f"the simulated experiment has no such revision: expected one of "
            f"{', '.join(map(str, REVISIONS))}, found {number!r}"
        )
    on_first_plate = RevisionPlan(1, design, (), None).sites_of(design.plates[0])
    chosen = design.stream(Stream.REVISION).permutation(len(on_first_plate))[:REIMAGED]
    blurred = tuple(on_first_plate[index] for index in sorted(chosen.tolist()))
    plates = design.plate_count + (number - 1)
    return RevisionPlan(
        number, replace(design, plate_count=plates), blurred, _mislabelled(design.perturbations)
    )


def _mislabelled(perturbations: tuple[Perturbation, ...]) -> Perturbation | None:
    """Choose the first perturbation that shares neither target nor mechanism with another."""
    for each in perturbations:
        others = [other for other in perturbations if other != each]
        alone = all(each.target != other.target and each.moa != other.moa for other in others)
        if each.target and alone:
            return each
    return None
