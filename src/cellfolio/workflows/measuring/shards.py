"""Parts of the sites, for machines that share a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cellfolio.errors import InvalidArgument
from cellfolio.storage.disk import write_atomically
from cellfolio.workflows.processes import alone_in

T = TypeVar("T")
_WORDS = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_RUN_RECORDS = ("measured.json", "featurized.json")
"""What a run of all sites writes at its end."""
_PATIENCE = 10.0
"""Seconds in which all shards that begin at once have looked whether all sites are measured."""
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


@contextmanager
def alone_for(output: Path, shard: Shard | None) -> Iterator[None]:
    """Keep other runs of the same sites away from a folder.

    Rule: shards run beside each other; a run of all sites only when no shard does.

    Parameters
    ----------
    output : Path
    shard : Shard or None
        None for a run of all sites.

    Raises
    ------
    StoreError
        If another run is at work there.
    """
    with ExitStack() as held:
        if shard is None:
            held.enter_context(alone_in(output))
            for path in sorted(output.glob(".running-*-of-*.lock")):
                held.enter_context(alone_in(output, path.name))
        else:
            held.enter_context(alone_in(output, f".running-{shard.name}.lock"))
            with alone_in(output, patience=_PATIENCE):  # as other shards do, each for a moment
                pass
        yield


def write_shard(output: Path, shard: Shard, failed: Sequence[str]) -> None:
    """Note that a shard has ended, and which of its sites failed."""
    document = {"form": "cellfolio shard 1", "failed": list(failed)}
    write_atomically(output / f"shard-{shard.name}.json", json.dumps(document).encode())


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """Which shards of a folder have ended.

    Attributes
    ----------
    ended, missing : tuple of Shard
    failed : tuple of str
        Sites that failed in those that ended.
    finished : bool
        Whether a run of all sites came after them, so that nothing is missing.
    """

    ended: tuple[Shard, ...]
    missing: tuple[Shard, ...]
    failed: tuple[str, ...]
    finished: bool


def status_of_shards(output: Path) -> ShardStatus | None:
    """Tell which shards have ended, by what they left; None if none has.

    Images are not looked at: whether those of a shard changed since, ``measure --dry-run`` tells.
    Of shards of several counts, those of the last one that ended are told of.

    Parameters
    ----------
    output : Path
        Of `measure_plates` or `featurize_plates`.
    """
    found = {
        Shard(int(name[1]), int(name[2])): path
        for path in (output.glob("shard-*-of-*.json") if output.is_dir() else ())
        if (name := _FILE.fullmatch(path.name))
    }
    if not found:
        return None
    times = {shard: path.stat().st_mtime_ns for shard, path in found.items()}
    count = max(times, key=lambda shard: times[shard]).count
    ended = tuple(sorted(shard for shard in found if shard.count == count))
    records = [output / name for name in _RUN_RECORDS if (output / name).is_file()]
    finished = any(one.stat().st_mtime_ns >= max(times.values()) for one in records)
    missing = [Shard(number, count) for number in range(1, count + 1)]
    return ShardStatus(
        ended,
        () if finished else tuple(shard for shard in missing if shard not in found),
        tuple(site for shard in ended for site in _failed_in(found[shard])),
        finished,
    )


def _failed_in(path: Path) -> list[str]:
    try:
        return [str(one) for one in json.loads(path.read_text(encoding="utf-8"))["failed"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


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
