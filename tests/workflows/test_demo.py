"""The demonstration, with a small experiment."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.package.package import Package
from cellfolio.registries.publish import Pushed
from cellfolio.simulation import LIBRARY, ExperimentDesign
from cellfolio.storage.progress import ProgressEvent
from cellfolio.workflows.checking import Verified
from cellfolio.workflows.demo.evaluation import Judged
from cellfolio.workflows.demo.folder import MARKER, Demo, prepare_demo
from cellfolio.workflows.demo.outline import outline, suggest, suggest_portal
from cellfolio.workflows.demo.profiles import Measured, Profiled
from cellfolio.workflows.demo.revisions import PACKAGE, Compared, Drawn, Shared, Simulated
from cellfolio.workflows.demo.steps import Outcome, demo_steps
from cellfolio.workflows.getting import Got
from tests.demos import carry_out

SMALL = ExperimentDesign(
    seed=3,
    plate_count=1,
    plate_shape=(2, 3),
    site_count=1,
    image_shape=(160, 160),
    perturbations=LIBRARY[2:6],
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, list[Outcome]]:
    """A finished demonstration, and what its steps returned."""
    demo = prepare_demo(tmp_path_factory.mktemp("demo") / "it's here", SMALL)
    return demo, carry_out(demo)


@pytest.mark.slow
def test_steps(done: tuple[Demo, list[Outcome]]) -> None:
    match done[1]:
        case [
            Simulated() as first,
            Pushed() as pushed,
            Simulated() as second,
            Pushed() as pushed_again,
            Got() as got,
            Verified() as verified,
            Package() as package,
            Compared() as compared,
            Drawn() as drawn,
            Measured() as measured,
            Profiled() as profiled,
            Judged() as judged,
            Shared() as shared,
        ]:
            pass
        case _:
            pytest.fail(f"unexpected steps: {done[1]}")
    assert (first.plates, first.sites, first.channels) == (1, 6, 5)
    assert (second.plates, second.sites, second.files) == (2, 12, package.file_count)
    assert pushed.files_sent > pushed_again.files_sent > 0
    assert got.placed == verified.right == package.file_count
    assert verified.sound
    assert len(compared.diff.removed) == 1
    assert {entry.logical_key.split("/")[0] for entry in compared.diff.added} == {
        *("images", "load_data", "objects", "segmentation"),
    }
    assert drawn.path.read_bytes().startswith(b"\x89PNG")
    assert drawn.perturbation in {one.name for one in LIBRARY[2:6]}
    assert (measured.features, len(measured.paths)) == (482, 2)
    assert 0.4 * measured.simulated < measured.cells < measured.simulated
    assert (profiled.wells, profiled.features) == (12, 482)
    assert 0 < profiled.selected <= 482
    for picture in (profiled.plate, profiled.embedding):
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert (judged.active, judged.inactive, judged.pairs) == (4, 0, 1)
    assert judged.wrong == 0
    for page in judged.pages:
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(judged.pages) == 2
    assert shared.revisions == 2
    assert shared.saved == shared.whole - shared.stored > 0
    assert shared.whole == pushed.package.size + pushed_again.package.size


@pytest.mark.slow
def test_benchmarks_find_the_truth(whole_demo: tuple[Demo, list[Outcome]]) -> None:
    """Of the experiment that users see: all that acts, nothing else, and what acts alike."""
    judged = next(one for one in whole_demo[1] if isinstance(one, Judged))
    assert (judged.found, judged.active) == (8, 8)
    assert (judged.wrong, judged.inactive) == (0, 1)
    assert (judged.matched, judged.pairs) == (2, 2)


@pytest.mark.slow
def test_it_is_found_again(done: tuple[Demo, list[Outcome]]) -> None:
    demo = prepare_demo(done[0].folder, ExperimentDesign(seed=99))
    assert demo.finished
    assert demo.design.seed == 3
    found = outline(demo)
    assert len(found.top_hashes) == len(found.files) == 2
    assert found.shared == done[1][-1]


@pytest.mark.slow
def test_suggestions_work(
    done: tuple[Demo, list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = done[0]
    monkeypatch.chdir(demo.folder.parent)
    code = "from cellfolio.cli.main import main; main()"
    shell = f'cellfolio() {{ {sys.executable} -c "{code}" "$@"; }}; '
    for suggestion in suggest(demo):
        ran = subprocess.run(
            ["bash", "-c", shell + suggestion.command],
            env={**os.environ, "CELLFOLIO_HOME": "/nowhere"},
            capture_output=True,
            text=True,
            check=False,
        )
        expected = 1 if " diff " in suggestion.command else 0
        assert (ran.returncode, ran.stderr) == (expected, ""), suggestion
        assert ran.stdout


@pytest.mark.slow
def test_all_of_it_can_be_seen_in_a_browser(
    done: tuple[Demo, list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = done[0]
    monkeypatch.chdir(demo.folder.parent)
    setting, _, rest = suggest_portal(demo).command.partition(" cellfolio serve ")
    (home,) = shlex.split(setting)
    with subprocess.Popen(
        [sys.executable, "-m", "cellfolio", "serve", *shlex.split(rest), "--port", "0"],
        env={**os.environ, "CELLFOLIO_HOME": home.partition("=")[2]},
        stderr=subprocess.PIPE,
        text=True,
    ) as portal:
        try:
            assert portal.stderr is not None
            url = portal.stderr.readline().split()[-1]
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                names = {one["name"] for one in client.get("api/packages").json()["packages"]}
                page = client.get("package/folder/profiles/profiles.parquet")
        finally:
            portal.terminate()
    assert {PACKAGE, "folder/profiles", "folder/measured", "folder/evaluation"} <= names
    assert page.status_code == 200


@pytest.mark.slow
def test_an_interrupted_one_is_begun_anew_and_again_makes_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for step in demo_steps(prepare_demo(folder, SMALL))[:2]:
        step.run(None)
    anew = prepare_demo(folder, SMALL)
    assert not anew.finished
    events: list[ProgressEvent] = []
    for step in demo_steps(anew):
        step.run(events.append)
    assert prepare_demo(folder).finished
    before = outline(prepare_demo(folder))
    (folder / "cell-painting/README.md").write_text("mine")
    (folder / "mine.txt").write_text("kept")
    again = prepare_demo(folder, SMALL, again=True)
    assert not again.finished
    carry_out(again)
    assert outline(again).top_hashes == before.top_hashes
    assert (folder / "mine.txt").read_text() == "kept"
    assert {event.task for event in events} >= {"simulate", "hash", "fetch", "verify"}


@pytest.mark.parametrize("marker", [None, "{}", "[]", "nonsense", '{"version": 99}'])
def test_other_folders_are_left_alone(tmp_path: Path, marker: str | None) -> None:
    precious = tmp_path / "experiment" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    if marker is not None:
        (tmp_path / MARKER).write_text(marker)
    with pytest.raises(InvalidArgument, match="holds no demonstration"):
        prepare_demo(tmp_path, SMALL, again=True)
    assert precious.read_text() == "mine"
    with pytest.raises(InvalidArgument, match="holds no demonstration"):
        prepare_demo(precious, SMALL)
