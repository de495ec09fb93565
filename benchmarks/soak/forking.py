"""Children of a warm parent: they begin at once, so a kill at random meets their work.

A child is a copy of the parent, which has imported and compiled everything. Threads do not survive
that, so a parent with more than one is refused: whatever starts threads is called in children only.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

_FORK = multiprocessing.get_context("fork")
_JEMALLOC = "jemalloc_bg_thd"
"""Of pyarrow's allocator, which starts it anew in a copy."""
_MOST = 300.0
"""Seconds after which a child that is waited for is stuck."""


class ChildFailed(RuntimeError):
    """A child that should have ended well did not."""


def start(work: Callable[..., object], *arguments: object) -> ForkProcess:
    """Start a child in a process group of its own.

    Raises
    ------
    RuntimeError
        If this process has other threads.
    """
    others = threads_beside()
    if others:
        raise RuntimeError(f"this process has the threads {others}; expected one, as it is copied")
    child = _FORK.Process(target=_alone, args=(work, *arguments))
    child.start()
    return child


def threads_beside() -> list[str]:
    """Return the names of this process's other threads that a copy would lack."""
    tasks = [path for path in Path("/proc/self/task").iterdir() if path.name != str(os.getpid())]
    names = [(path / "comm").read_text().strip() for path in tasks]
    return [name for name in names if name != _JEMALLOC]


def _alone(work: Callable[..., object], *arguments: object) -> None:
    os.setpgid(0, 0)
    work(*arguments)


def call(work: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns in a child.

    Raises
    ------
    ChildFailed
        If it raised, or took too long; what it raised is on the standard error.
    """
    here, there = _FORK.Pipe(duplex=False)
    child = start(_answer, there, work, *arguments)
    there.close()
    answer = None
    with here, suppress(EOFError):
        if here.poll(_MOST):
            answer = here.recv()
    child.join(_MOST)
    if child.exitcode != 0 or answer is None:
        _end(child)
        raise ChildFailed(f"{_name(work)} ended with {child.exitcode}")
    well, found = answer
    if not well:
        raise ChildFailed(f"{_name(work)}: {found}")
    return found


def _name(work: Callable[..., object]) -> str:
    return getattr(work, "__qualname__", str(work))


def _answer(there: Connection, work: Callable[..., object], *arguments: object) -> None:
    try:
        there.send((True, work(*arguments)))
    except Exception as error:
        traceback.print_exc()
        there.send((False, f"{type(error).__name__}: {error}"))


def import_for(work: Callable[..., object], *arguments: object) -> None:
    """Import here what a function imports in a child, so that later children need not."""
    for name in call(_modules_after, work, *arguments):
        with suppress(ImportError, ValueError):
            import_module(name)
    gc.collect()
    gc.freeze()  # else each collection in a child copies the memory that it shares with this one


def _modules_after(work: Callable[..., object], *arguments: object) -> list[str]:
    work(*arguments)
    return [name for name in sys.modules if name != "__main__"]


def kill(after: float, work: Callable[..., object], *arguments: object) -> bool:
    """Start a child and kill its process group; return False if it had ended before.

    Parameters
    ----------
    after : float
        Seconds.
    work : callable
    *arguments

    Raises
    ------
    ChildFailed
        If it ended by itself, and badly.
    """
    child = start(work, *arguments)
    child.join(after)
    _end(child)
    if child.exitcode == -signal.SIGKILL:
        return True
    if child.exitcode:
        raise ChildFailed(f"{_name(work)} ended with {child.exitcode} before it was killed")
    return False


def _end(child: ForkProcess) -> None:
    if child.exitcode is None:
        assert child.pid is not None
        with suppress(ProcessLookupError):  # it has no group of its own yet
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
    child.join()
