"""Thumbnails are made beside the requests that ask for them, which may take what there is so far.

Rule 1: however many ask for the same thumbnails, they are made once.
Rule 2: what nobody asks about any more is not made to its end.
Rule 3: sites are made in a mixed order, so that the first ones stand for the plate.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray

from cellfolio.errors import CellfolioError
from cellfolio.imaging.plate_montage import THREADS

Planes = dict[str, NDArray[Any]]
"""Small planes of a site, by channel."""
Made = Planes | CellfolioError | None
"""A site, or why it cannot be read, or None while it is not made."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Sets of thumbnails that are made at a time; the others wait."""
FORGOTTEN = 20.0
"""Seconds after which a set that nobody asks about is left."""


class Making:
    """Thumbnails that are being made, by threads of their own.

    Parameters
    ----------
    count : int
        Of sites.
    read : callable
        Given the number of a site, returns its planes.
    finished : callable
        Called with all sites when they are made; not if they were left.

    Attributes
    ----------
    made : list
        See `Made`; by the number of the site.
    """

    def __init__(
        self,
        count: int,
        read: Callable[[int], Made],
        finished: Callable[[Sequence[Made]], None],
    ) -> None:
        self.made: list[Made] = [None] * count
        self._read = read
        self._finished = finished
        self._asked = time.monotonic()
        self._over = threading.Event()
        self.left = False

    def start(self) -> Making:
        """Begin."""
        threading.Thread(target=self._run, name="thumbnails", daemon=True).start()
        return self

    def wait(self, seconds: float | None) -> bool:
        """Wait until all are made, or so long; return whether they are.

        Parameters
        ----------
        seconds : float or None
            None to wait as long as it takes.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            self._asked = time.monotonic()
            step = FORGOTTEN / 4
            if until is not None:
                step = min(step, until - self._asked)
            if self._over.wait(max(step, 0)):
                return not self.left
            if until is not None and time.monotonic() >= until:
                return False

    def _run(self) -> None:
        try:
            with _AT_ONCE, ThreadPoolExecutor(THREADS) as pool:
                for at, one in pool.map(self._one, mixed(len(self.made))):
                    self.made[at] = one
            if not self.left:
                self._finished(self.made)
        except Exception:
            self.left = True
            raise
        finally:
            self._over.set()

    def _one(self, at: int) -> tuple[int, Made]:
        if self.left or time.monotonic() - self._asked > FORGOTTEN:
            self.left = True
            return at, None
        return at, self._read(at)


def mixed(count: int) -> Iterator[int]:
    """Yield numbers below `count` in a mixed order, always the same one.

    Examples
    --------
    >>> sorted(mixed(5))
    [0, 1, 2, 3, 4]
    """
    numbers = list(range(count))
    random.Random(0).shuffle(numbers)
    yield from numbers
