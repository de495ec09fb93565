"""What every registry does, whatever system it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from cellfolio.package.package import Package


class OfflineWarning(UserWarning):
    """The registry cannot be reached; what was seen last is used."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a package.

    Attributes
    ----------
    top_hash : str
        64 hexadecimal digits.
    time : datetime
        When it was published, UTC.
    pointer : str
        What the registry calls it: seconds since 1970, or the name of a release.
    """

    top_hash: str
    time: datetime
    pointer: str


class Registry(Protocol):
    """A place where packages live."""

    @property
    def uri(self) -> str:
        """What names the registry; a checkout remembers it, to find its package again."""

    def packages(self) -> list[str]:
        """Return the names of all packages, sorted."""

    def revisions(self, name: str) -> list[Revision]:
        """Return every revision of a package, the newest first."""

    def open(self, name: str, revision: str | None = None, *, verify: bool = True) -> Package:
        """Return a package; its data stays where it is.

        Parameters
        ----------
        name : str
            ``namespace/name``.
        revision : str, optional
            ``latest`` (the default), a top hash or its first digits, a time, or what the system
            calls it.
        verify : bool
            Check the manifest against its top hash.

        Raises
        ------
        PackageNotFound, RevisionNotFound, InvalidManifest
        """

    def seen(self, name: str) -> Package | None:
        """Return the newest revision that was seen on this machine; nobody is asked."""

    def headers(self, top_hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the headers of revisions; None where one cannot be had."""


def read_moment(text: str) -> datetime | None:
    """Read a date or time in ISO form, UTC unless it says otherwise; None for anything else.

    A date stands for the end of its day.

    Examples
    --------
    >>> read_moment("2026-03-01T12:00").isoformat(), read_moment("2026-03-01").hour
    ('2026-03-01T12:00:00+00:00', 23)
    """
    if not re.match(r"\d{4}-\d", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= 10:
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
