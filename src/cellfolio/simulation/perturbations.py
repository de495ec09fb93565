"""What is done to the simulated cells, and what it does to them.

Targets and mechanisms are real terms, so that joins and matching look as they do in a real
screen. The compound names are invented: no number that comes out of the simulator is a
statement about a real compound.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Literal

from cellfolio.errors import InvalidArgument

ControlType = Literal["", "negcon", "poscon"]

NEGATIVE_CONTROL = "DMSO"
"""Name of the negative control; every plate has it."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How a perturbation multiplies what untreated cells show; 1.0 changes nothing.

    Parameters
    ----------
    cell_count : float
        Cells per field of view.
    nucleus_area : float
        Area of a nucleus. DNA content grows with it, so brightness per pixel stays.
    nucleolus_area : float
        Area of the RNA-rich nucleoli.
    er_intensity : float
        Brightness of the endoplasmic reticulum.
    er_scale : float
        Mesh size of the endoplasmic reticulum.
    actin : float
        Brightness of actin fibres and of the cell cortex.
    mito_intensity : float
        Brightness of the mitochondria.

    Raises
    ------
    InvalidArgument
        A factor is outside 0.1 to 4, where the drawing still looks like cells.

    Examples
    --------
    >>> effect = Effect(nucleus_area=1.6, cell_count=0.6)
    >>> effect.is_null, effect.changed
    (False, (('cell_count', 0.6), ('nucleus_area', 1.6)))
    """

    cell_count: float = 1.0
    nucleus_area: float = 1.0
    nucleolus_area: float = 1.0
    er_intensity: float = 1.0
    er_scale: float = 1.0
    actin: float = 1.0
    mito_intensity: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        for field in fields(self):
            factor = getattr(self, field.name)
            if not 0.1 <= factor <= 4.0:
                raise InvalidArgument(
                    f"effect {field.name} cannot be drawn: expected a factor from 0.1 to 4, "
                    f"found {factor}"
                )

    @property
    def is_null(self) -> bool:
        """Whether nothing changes."""
        return all(factor == 1.0 for factor in astuple(self))

    @property
    def changed(self) -> tuple[tuple[str, float], ...]:
        """Quantity and factor of everything that changes, in the order of the fields."""
        pairs = ((field.name, float(getattr(self, field.name))) for field in fields(self))
        return tuple(pair for pair in pairs if pair[1] != 1.0)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One treatment of a well.

    Parameters
    ----------
    name : str
        Unique within a design.
    target : str
        Gene symbol of the target; empty for the negative control.
    moa : str
        Mechanism of action; empty for the negative control.
    effect : Effect
        What it does.
    control_type : {"", "negcon", "poscon"}
        Empty for a treatment under test.

    Examples
    --------
    >>> Perturbation("simplacib", "OPRM1", "opioid receptor agonist").is_active
    False
    """

    name: str
    target: str
    moa: str
    effect: Effect = Effect()
    control_type: ControlType = ""

    @property
    def is_active(self) -> bool:
        """Whether it changes the cells."""
        return not self.effect.is_null

    @property
    def modality(self) -> str:
        """Kind of perturbation, always ``"compound"``."""
        return "compound"

    @property
    def pert_type(self) -> str:
        """``"control"`` or ``"trt"``, as CPJUMP1 writes it."""
        return "control" if self.control_type else "trt"


DMSO = Perturbation(NEGATIVE_CONTROL, "", "", control_type="negcon")
"""The negative control."""

LIBRARY: tuple[Perturbation, ...] = (
    Perturbation(
        "simalisertib",
        "AURKA",
        "Aurora kinase inhibitor",
        Effect(nucleus_area=1.80, cell_count=0.60, nucleolus_area=1.25),
    ),
    Perturbation(
        "simbarasertib",
        "AURKB",
        "Aurora kinase inhibitor",
        Effect(nucleus_area=2.00, cell_count=0.55, nucleolus_area=1.20),
    ),
    Perturbation(
        "simrotenone",
        "NDUFS7",
        "mitochondrial complex I inhibitor",
        Effect(mito_intensity=0.45, cell_count=0.85),
    ),
    Perturbation(
        "simpiericidin",
        "NDUFS7",
        "mitochondrial complex I inhibitor",
        Effect(mito_intensity=0.50, cell_count=0.90),
    ),
    Perturbation(
        "simatrunculin",
        "ACTB",
        "actin polymerization inhibitor",
        Effect(actin=0.25, cell_count=0.80),
    ),
    Perturbation(
        "simcamycin",
        "DPAGT1",
        "N-linked glycosylation inhibitor",
        Effect(er_intensity=1.60, er_scale=1.80, cell_count=0.85),
    ),
    Perturbation(
        "simactinomycin",
        "POLR1A",
        "RNA polymerase I inhibitor",
        Effect(nucleolus_area=0.30, nucleus_area=0.88),
    ),
    Perturbation("simplacib", "OPRM1", "opioid receptor agonist"),
    Perturbation(
        "simtezomib",
        "PSMB5",
        "proteasome inhibitor",
        Effect(
            cell_count=0.40,
            nucleus_area=0.70,
            nucleolus_area=1.40,
            er_intensity=1.50,
            actin=0.50,
            mito_intensity=0.65,
        ),
        control_type="poscon",
    ),
)
"""Seven active perturbations, an inactive one and the positive control.

Both Aurora kinase inhibitors and both complex I inhibitors share a mechanism; the latter
also share a target.
"""
