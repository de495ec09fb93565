"""Recipes that tests run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cellfolio.workflows.profiling.recipe import Recipe
from tests.workflows.recipes import make_small


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Recipe]:
    """Makes a recipe for three small plates of profiles."""
    return make_small(tmp_path / "small")
