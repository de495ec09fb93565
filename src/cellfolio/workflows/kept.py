"""Values that take long to make, kept while they are used and room is left."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Keeps values by key; safe for several threads, of which one makes a value and others wait.

    Parameters
    ----------
    room : int
        How much all of them may weigh together. The one used last stays in any case.
    weigh : callable
        Returns what a value weighs.

    Examples
    --------
    >>> texts = Kept(5, len)
    >>> [texts.get(key, lambda: key * 3) for key in ("a", "b", "a")]
    ['aaa', 'bbb', 'aaa']
    """

    def __init__(self, room: int, weigh: Callable[[Value], int]) -> None:
        self._room = room
        self._weigh = weigh
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._making: dict[Key, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return what is kept, or what is made now; an error of `make` is not kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found[0]
            turn, waiting = self._making.get(key, (threading.Lock(), 0))
            self._making[key] = turn, waiting + 1
        try:
            with turn:
                with self._lock:
                    found = self._kept.get(key)
                if found is not None:
                    return found[0]
                made = make()
                self._keep(key, made)
                return made
        finally:
            with self._lock:
                turn, waiting = self._making.pop(key)
                if waiting > 1:
                    self._making[key] = turn, waiting - 1

    def _keep(self, key: Key, made: Value) -> None:
        with self._lock:
            self._kept[key] = made, self._weigh(made)
            while len(self._kept) > 1 and sum(one for _, one in self._kept.values()) > self._room:
                self._kept.popitem(last=False)
