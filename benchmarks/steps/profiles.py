"""Steps that make profiles of a plate."""

from __future__ import annotations

import warnings
from pathlib import Path

from benchmarks import recipe
from benchmarks.steps import Work, step


@step
def ours_profiles(path: str, work: str) -> Work:
    import cellfolio.profiles as profiles

    plate = recipe.read_plate(path)
    works: dict[str, Work] = {
        "standardize": lambda: profiles.normalize(plate, profiles.Standardize()),
        "robustize": lambda: profiles.normalize(plate, profiles.Robustize()),
        "mad_robustize": lambda: profiles.normalize(plate, profiles.RobustMad()),
        "mad_robustize, negcon": lambda: profiles.normalize(
            plate, profiles.RobustMad(), reference=recipe.CONTROLS
        ),
        "spherize": lambda: profiles.normalize(plate, profiles.Spherize()),
        "feature_select": lambda: profiles.feature_select(plate, recipe.our_selection(profiles)),
        "modz": lambda: profiles.consensus(plate, recipe.REPLICATES, profiles.Modz()),
        "modz, treatments": lambda: profiles.consensus(plate, recipe.TREATMENTS, profiles.Modz()),
    }
    return works[work]


@step
def pycytominer_profiles(path: str, work: str) -> Work:
    warnings.simplefilter("ignore")
    import pycytominer as peer

    plate = recipe.read_plate(path)
    if work.startswith("mad_robustize"):
        samples = recipe.CONTROLS if work.endswith("negcon") else "all"
        return lambda: peer.normalize(plate, method="mad_robustize", samples=samples)
    if work.startswith("modz"):
        by = recipe.TREATMENTS if work.endswith("treatments") else recipe.REPLICATES
        return lambda: peer.consensus(plate, [by], operation="modz")
    if work == "feature_select":
        return lambda: peer.feature_select(plate, operation=list(recipe.SELECTION))
    return lambda: peer.normalize(plate, method=work)


@step
def ours_recipe(folder: str, write: str) -> Work:
    import cellfolio.formats.loading
    import cellfolio.profiles

    assert cellfolio.formats.loading
    assert cellfolio.profiles
    place = Path(folder)
    writer = recipe.our_writer(place) if write else lambda table, name: None
    return lambda: recipe.run_ours(place, writer)


@step
def pycytominer_recipe(folder: str, write: str) -> Work:
    warnings.simplefilter("ignore")
    import pycytominer

    assert pycytominer
    place = Path(folder)
    writer = recipe.peer_writer(place) if write else lambda table, name: None
    return lambda: recipe.run_peer(place, writer)
