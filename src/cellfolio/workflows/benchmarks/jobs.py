"""Benchmarks as jobs: what a worker is asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellfolio.errors import CellfolioError, InvalidArgument, StoreError
from cellfolio.storage.home import Home
from cellfolio.workflows.benchmarks.known import Configuration, parse_configuration
from cellfolio.workflows.benchmarks.running import Evaluation, evaluate
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.processes import Failure


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """A benchmark that a worker is asked to run; it can be sent to another process.

    Attributes
    ----------
    document : mapping
        The configuration.
    root : Path
        Paths in it are below.
    folder, home : Path
    name : str
        Of the configuration's file, for messages.
    """

    document: Mapping[str, Any]
    root: Path
    folder: Path
    home: Path
    name: str = ""

    def run(self) -> Evaluation:
        """Run it (see `evaluate`)."""
        configuration = parse_configuration(self.document, self.root, self.name)
        return evaluate(configuration, self.folder, home=Home(self.home))

    def do(self) -> Failure | None:
        """Run it; what goes wrong is told, and the others go on."""
        try:
            self.run()
        except (CellfolioError, OSError, MemoryError) as error:
            return Failure.of(error)
        except Exception as error:  # a benchmark's trouble is not that of the others
            odd = InvalidArgument(f"{type(error).__name__}: {error}", hint="this may be a bug")
            return Failure.of(odd)
        return None


def evaluate_by(
    configuration: Configuration, folder: Path, workers: Workers, *, home: Home | None = None
) -> Evaluation:
    """Have an engine run a benchmark; with a number of workers, this process does.

    Parameters
    ----------
    configuration : Configuration
    folder : Path
    workers : int or Engine, optional
    home : Home, optional

    Raises
    ------
    StoreError
        If no worker lived to run it.
    CellfolioError
        See `evaluate`.
    """
    home = home or Home()
    job = EvaluationJob(
        configuration.document, configuration.root, folder, home.folder, configuration.name
    )
    (done,) = do_all(EvaluationJob.run, [job], workers)
    if isinstance(done.result, Failure):
        raise StoreError(done.result.message, hint=done.result.hint)
    return done.result
