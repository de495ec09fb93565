"""Parts of the sites, for machines that share a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cellfolio.errors import InvalidArgument
from cellfolio.storage.disk import write_atomically
from cellfolio.workflows.measuring.records import SiteRecord
from cellfolio.workflows.processes import LOCK

T = TypeVar("T")
_WORDS = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_FILE = re.compile(r"shard-([0-9]{1,6})-of-([0-9]{1,6})\.json")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One part of several: every `count`-th site, beginning with the `number`-th.

    Attributes
    ----------
    number, count : int
        Counted from 1.

    Examples
    --------
    >>> Shard.parse("2/3").of(["A01", "A02", "A03", "A04", "A05"])
    ['A02', 'A05']
    """

    number: int
    count: int

    @classmethod
    def parse(cls, words: str) -> Shard:
        """Read ``i/n``.

        Raises
        ------
        InvalidArgument
        """
        found = _WORDS.fullmatch(words.strip())
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise InvalidArgument(
                f"{words!r} is no shard; expected a number and how many there are, from 1/8 to 8/8"
            )
        return cls(int(found[1]), int(found[2]))

    @property
    def name(self) -> str:
        """For names of files."""
        return f"{self.number}-of-{self.count}"

    def of(self, sites: Sequence[T]) -> list[T]:
        """Return the part of a list that is this shard."""
        return list(sites[self.number - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def lock_of(shard: Shard | None) -> str:
    """Return the name of the file that keeps other runs of the same part away."""
    return LOCK if shard is None else f".running-{shard.name}.lock"


def write_shard(output: Path, shard: Shard, failed: Sequence[SiteRecord]) -> None:
    """Note that a shard has ended."""
    document = {
        "form": "cellfolio shard 1",
        "failed": [f"{one.plate} {one.well}_{one.site}" for one in failed],
    }
    write_atomically(output / f"shard-{shard.name}.json", json.dumps(document).encode())


def shards_missing(output: Path, waiting: Sequence[bool]) -> tuple[Shard, ...]:
    """Return the shards that have not done all of their sites.

    Parameters
    ----------
    output : Path
    waiting : sequence of bool
        Of all sites, in order, whether each is still to be measured.

    Returns
    -------
    tuple of Shard
        Of those numbers of shards of which one has ended at least.
    """
    names = [one.name for one in output.glob("shard-*-of-*.json")] if output.is_dir() else []
    counts = sorted({int(found[2]) for name in names if (found := _FILE.fullmatch(name))})
    shards = [Shard(number, count) for count in counts for number in range(1, count + 1)]
    return tuple(shard for shard in shards if any(shard.of(waiting)))
