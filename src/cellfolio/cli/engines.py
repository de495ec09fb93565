"""What the commands share that work in parallel: processes, or a cluster."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer

if TYPE_CHECKING:
    from cellfolio.workflows.engines.engine import Workers


def engine_options(
    about: str = "Processes; one for a core.", *, default: int | None = None
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Add ``--workers`` and ``--dask``; the function gets a number or an engine as `workers`.

    Parameters
    ----------
    about : str
        What the help says of ``--workers``.
    default : int, optional
        Of processes; by default one for each core.
    """

    def add(function: Callable[..., Answer]) -> Callable[..., Answer]:
        @click.option("--workers", metavar="N", type=click.IntRange(1), help=about)
        @click.option(
            "--dask",
            metavar="WHERE",
            help="Work on a cluster of Dask: its ADDRESS, 'local', or 'slurm' with --workers.",
        )
        @functools.wraps(function)
        def working(workers: int | None, dask: str | None, **rest: Any) -> Answer:
            return function(workers=_engine(workers, dask, default), **rest)

        return working

    return add


def dask_option(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add ``--dask`` for what one worker does; the function gets a number or an engine."""

    @click.option(
        "--dask", metavar="WHERE", help="Let a cluster of Dask do it: its ADDRESS, 'slurm'."
    )
    @functools.wraps(function)
    def working(dask: str | None, **rest: Any) -> Answer:
        return function(workers=_engine(1, dask, 1), **rest)

    return working


def _engine(workers: int | None, dask: str | None, default: int | None) -> Workers:
    if dask is None:
        return workers or default
    from cellfolio.workflows.engines.dask import DaskEngine

    return DaskEngine(dask, workers)
