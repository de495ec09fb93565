"""The real quilt3, in a process and folders of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from tests.registries import quilt3_side

P = ParamSpec("P")
T = TypeVar("T")

_TIMEOUT = 120.0


class Peer:
    """Calls functions of `quilt3_side` in another process.

    quilt3 reads its folders and settings once, when imported, and is noisy with warnings; in its
    own process neither concerns the tests. It sends no telemetry and caches nothing, so that each
    answer is from the registry.

    Parameters
    ----------
    folder : Path
        Stands for the user's home.
    environment : mapping
        Variables that say where the S3 server is.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        variables = {
            **environment,
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "QUILT_DISABLE_USAGE_METRICS": "True",
            "QUILT_DISABLE_CACHE": "true",
            "QUILT_MINIMIZE_STDOUT": "true",
        }
        self._process = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), quilt3_side.start, (variables,)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.shutdown(cancel_futures=True)

    def ask(self, function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
        """Call a function there.

        Raises
        ------
        tests.registries.quilt3_side.Refused
            If it raised; the message holds the error's name, text and traceback.
        """
        future = self._process.submit(quilt3_side.answer, function, args, keywords)
        result: T = future.result(timeout=_TIMEOUT)
        return result
