"""What a run of a recipe tells of a plate, or of plates that were taken together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not made.

    Attributes
    ----------
    error : str
        Name of the error's class.
    message, hint : str
    """

    error: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return what an error tells."""
        return cls(type(error).__name__, str(error), getattr(error, "hint", ""))


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
