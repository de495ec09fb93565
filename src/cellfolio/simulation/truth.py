"""What a correct analysis of a simulated experiment must find."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from cellfolio.simulation.design import ExperimentDesign


@dataclass(frozen=True, slots=True)
class Expectation:
    """One quantity that a perturbation changes.

    Parameters
    ----------
    perturbation : str
        Name of the perturbation.
    quantity : str
        A field of `Effect`.
    factor : float
        Treated over untreated, before batch effects and noise.

    Examples
    --------
    >>> Expectation("simrotenone", "mito_intensity", 0.45).direction
    -1
    """

    perturbation: str
    quantity: str
    factor: float

    @property
    def direction(self) -> int:
        """1 where the quantity rises, -1 where it falls."""
        return 1 if self.factor > 1.0 else -1


@dataclass(frozen=True, slots=True)
class KnownTruth:
    """The answers.

    Parameters
    ----------
    active, inactive : tuple of str
        Names of perturbations, in the order of the design; the negative control in neither.
    same_moa, same_target : tuple of pair of str
        Pairs of perturbations that share a mechanism of action, or a target.
    expectations : tuple of Expectation
        Every changed quantity of every active perturbation.
    """

    active: tuple[str, ...]
    inactive: tuple[str, ...]
    same_moa: tuple[tuple[str, str], ...]
    same_target: tuple[tuple[str, str], ...]
    expectations: tuple[Expectation, ...]


def known_truth(design: ExperimentDesign) -> KnownTruth:
    """Return what a correct analysis of the experiment must find.

    Parameters
    ----------
    design : ExperimentDesign
        The experiment.

    Returns
    -------
    KnownTruth
        Depends on the perturbations only, not on the seed or the number of plates.

    Examples
    --------
    >>> truth = known_truth(ExperimentDesign())
    >>> truth.inactive, truth.same_target
    (('simplacib',), (('simrotenone', 'simpiericidin'),))
    """
    tested = design.perturbations
    pairs = tuple(combinations(tested, 2))
    return KnownTruth(
        active=tuple(each.name for each in tested if each.is_active),
        inactive=tuple(each.name for each in tested if not each.is_active),
        same_moa=tuple((a.name, b.name) for a, b in pairs if a.moa and a.moa == b.moa),
        same_target=tuple((a.name, b.name) for a, b in pairs if a.target and a.target == b.target),
        expectations=tuple(
            Expectation(each.name, quantity, factor)
            for each in tested
            for quantity, factor in each.effect.changed
        ),
    )
