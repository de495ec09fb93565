"""The demonstration that users see, made once for all workers, as it takes half a minute."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from filelock import FileLock

from cellfolio.workflows.demo.folder import Demo, prepare_demo
from cellfolio.workflows.demo.steps import Outcome, demo_steps


def carry_out(demo: Demo) -> list[Outcome]:
    """Do all steps; return what each returned."""
    return [step.run(None) for step in demo_steps(demo)]


def folder_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, list[Outcome]]:
    """The finished demonstration, and what its steps returned; tests only read it."""
    folder = folder_of_the_run(tmp_path_factory)
    told = folder / "demo.pickle"
    with FileLock(folder / "demo.lock"):
        demo = prepare_demo(folder / "demo")
        if not told.exists():
            told.write_bytes(pickle.dumps(carry_out(demo)))
    return demo, pickle.loads(told.read_bytes())
