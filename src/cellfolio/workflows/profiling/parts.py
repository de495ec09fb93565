"""What a run of a recipe tells of a plate, or of plates that were taken together."""

from __future__ import annotations

from dataclasses import dataclass

from cellfolio.workflows.processes import Failure


@dataclass(frozen=True, slots=True)
class ProfiledPart:
    """What was done for a plate, or for plates that were taken together.

    Attributes
    ----------
    name : str
        ``BATCH/PLATE``, ``batch NAME`` or ``all plates``.
    made, kept : tuple of str
        Files that were made, and those that were up to date.
    reasons : tuple of str
        Why, for each that was made.
    wells, features : int or None
        Of the first table; features of the last one in `selected`.
    selected : int or None
    problems : tuple of str
        What was left out of single cells.
    failure : Failure or None
    """

    name: str
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    wells: int | None = None
    features: int | None = None
    selected: int | None = None
    problems: tuple[str, ...] = ()
    failure: Failure | None = None
