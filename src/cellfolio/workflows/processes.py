"""Work in processes of their own: none takes another with it, and none outlives its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellfolio.errors import StoreError

LOCK = ".running.lock"


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


@contextmanager
def processes(
    count: int, prepare: Callable[..., object] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Start processes; each ends when this one does, and what waits is not begun any more then.

    Parameters
    ----------
    count : int
    prepare : callable, optional
        Called in each with what is given, before anything else.
    *given
    """
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        count, mp_context=context, initializer=_begin, initargs=(prepare, given)
    ) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(prepare: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    """End this process when the one that started it ends, however that happens."""
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        prepare(*given)


@contextmanager
def alone_in(folder: Path, lock: str = LOCK, patience: float = 0) -> Iterator[None]:
    """Keep other runs away from a folder.

    Parameters
    ----------
    folder : Path
    lock : str
        Name of a file in it.
    patience : float
        Seconds for which the end of another run is waited for.

    Raises
    ------
    StoreError
        If another run is at work there.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / lock, timeout=patience):
            yield
    except Timeout:
        raise StoreError(
            f"another run is at work in {folder}", hint="wait for it, or name another folder"
        ) from None
