"""Exit codes, and what is printed when something goes wrong."""

from __future__ import annotations

import inspect
import os
import pty
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from cellfolio import errors
from cellfolio.cli.failures import BUG, EXIT_CODES, MEANINGS, exit_code
from tests.cli.conftest import PROGRAM, Cellfolio

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.CellfolioError) and kind is not errors.CellfolioError
]
MAKE: dict[str, tuple[object, ...]] = {
    "InvalidKey": ("k", "is bad"),
    "ManifestMismatch": ("a", "b"),
    "DigestMismatch": ("f", "a", "b"),
    "FormatError": ("a.csv", "csv", "it is empty"),
    "UnknownFormat": ("a.xyz", "", "no format has this suffix"),
    "BrokenFile": ("a.csv", "csv", "it is empty"),
    "TransferIncomplete": ([errors.AccessRefused("no")], 2),
    "CheckoutConflict": ("f", ["k"]),
    "PushConflict": ("n/p", None, "b"),
}


def made(kind: type[errors.CellfolioError]) -> errors.CellfolioError:
    if kind is errors.NotEnoughSpace:
        return errors.NotEnoughSpace("full", needed=2, free=1)
    if kind is errors.LibraryMissing:
        return errors.LibraryMissing("there is no lib", extra="deep")
    return kind(*MAKE.get(kind.__name__, ("what happened",)))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_an_exit_code(kind: type[errors.CellfolioError]) -> None:
    code = exit_code(made(kind))
    assert code in MEANINGS
    assert code not in (0, 1, BUG)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_one_line_and_a_hint(
    cellfolio: Cellfolio, monkeypatch: pytest.MonkeyPatch, kind: type[errors.CellfolioError]
) -> None:
    error = made(kind)
    error.hint = "do\nthis"

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("cellfolio.status", fail)
    ran = cellfolio("status")
    assert ran.code == exit_code(error)
    assert ran.err.splitlines() == [f"cellfolio: {error.message}", r"hint: do\nthis"]
    ran = cellfolio("status", "--json")
    assert ran.out == ""
    assert ran.error["error"] == kind.__name__
    assert (ran.error["message"], ran.error["hint"]) == (error.message, error.hint)
    assert ran.error["exit_code"] == ran.code


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([errors.DigestMismatch("f", "a", "b")], 5),
        ([errors.DigestMismatch("f", "a", "b"), errors.ServerUnreachable("x")], 6),
        ([errors.ObjectNotFound("x")], 6),
        ([], 6),
    ],
)
def test_transfers_that_failed_because_all_bytes_were_wrong(
    failures: list[Exception], code: int
) -> None:
    assert exit_code(errors.TransferIncomplete(failures, 3)) == code


def test_every_exit_code_of_an_error_is_explained() -> None:
    assert set(EXIT_CODES.values()) <= set(MEANINGS)


# As a process


def test_0_and_2(program: Cellfolio) -> None:
    assert program("list").code == 0
    for args in (["get"], ["gte"], ["show", "x y"], ["show", "a/b", "--depth", "-1"], ["--nope"]):
        ran = program(*args)
        assert (ran.code, ran.out) == (2, ""), args
        assert ran.err.startswith("cellfolio: ")
        assert ran.err.splitlines()[1].startswith("hint: ")
        assert program(*args, "--json").error["exit_code"] == 2


def test_1_something_differs(program: Cellfolio, cellfolio: Cellfolio, package: str) -> None:
    assert program("get", package, "--copy").code == 0
    assert program("status", "plates").code == 0
    Path("plates/platemap.csv").write_bytes(b"mine")
    assert program("status", "plates").code == 1
    assert program("verify", "plates").code == 1
    assert program("diff", package, "./plates").code == 1
    assert program("get", package).code == 4


def test_3_not_found(program: Cellfolio, package: str) -> None:
    for args in (
        ["show", "no/package"],
        ["show", f"{package}@abcdef1"],
        ["get", package, "nothing/*"],
        ["status", "."],
    ):
        ran = program(*args)
        assert ran.code == 3, ran.err
        assert len(ran.err.splitlines()) <= 2


def test_5_a_manifest_that_was_altered(
    program: Cellfolio, cellfolio: Cellfolio, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellfolio("push", package, "shared")
    pointer = Path("shared/.quilt/named_packages/lab/plates/latest").read_text()
    manifest = Path("shared/.quilt/packages") / pointer
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"Second", b"Secund"))
    home = {"CELLFOLIO_HOME": str(Path("fresh").resolve())}
    ran = program("show", package, "-r", "shared", **home)
    assert ran.code == 5
    assert "--unverified" in ran.err
    ran = program("show", package, "-r", "shared", "--unverified", **home)
    assert (ran.code, ran.err) == (0, "")
    assert program("get", package, "-r", "shared", "--unverified", **home).code == 0


def test_5_bytes_that_were_altered(program: Cellfolio, cellfolio: Cellfolio, package: str) -> None:
    cellfolio("push", package, "shared")
    path = Path("shared/lab/plates/platemap.csv")
    path.chmod(0o644)
    path.write_bytes(b"OTHER")
    ran = program("get", package, "-r", "shared", "--json", CELLFOLIO_HOME="fresh")
    assert ran.code == 5
    assert [one["error"] for one in ran.error["failures"]] == ["DigestMismatch"]


def test_6_no_network(program: Cellfolio) -> None:
    nobody = "http://127.0.0.1:1"
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    ran = program("list", "s3://bucket", AWS_ENDPOINT_URL=nobody, **keys)
    assert ran.code == 6
    assert "Traceback" not in ran.err


def test_7_the_disk(program: Cellfolio, source: Path, package: str) -> None:
    taken = source.parent / "taken"
    taken.write_bytes(b"")
    for args, env in (
        (["build", source, "a/b"], {"CELLFOLIO_HOME": str(taken / "home")}),
        (["get", package, "-o", taken], {}),
    ):
        ran = program(*args, **env)
        assert ran.code == 7, ran.err
        assert ran.err.startswith("cellfolio: ")
        assert "Errno" not in ran.err
        assert "Traceback" not in ran.err


BROKEN = """
import cellfolio.workflows.verbs as verbs
def fail(*_, **__): raise ValueError("odd\\x1b[1m")
verbs.status = fail
from cellfolio.cli.main import main
main()
"""


@pytest.mark.parametrize("debug", [False, True])
def test_70_a_bug(debug: bool) -> None:
    env = {**os.environ, **({"CELLFOLIO_DEBUG": "1"} if debug else {})}
    ran = subprocess.run(
        [sys.executable, "-c", BROKEN, "status"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 70
    assert r"cellfolio: ValueError: odd\x1b[1m; this is a bug in cellfolio" in ran.stderr
    assert ("Traceback" in ran.stderr) == debug


def test_130_interrupted(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "Simulate" not in process.stdout.readline():
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "cellfolio: interrupted; run the same command again to go on\n"


def test_141_the_reader_went_away(cellfolio: Cellfolio, package: str) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "show", package], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


# Terminals


def on_terminal(*args: str, **env: str) -> str:
    """Run a command line on a terminal of its own; return what it draws."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *args], stdout=theirs, stderr=theirs, stdin=theirs, env={**os.environ, **env}
    ):
        os.close(theirs)
        drawn = b""
        while True:
            try:
                block = os.read(ours, 4096)
            except OSError:  # what Linux says when the other side is closed
                break
            if not block:
                break
            drawn += block
    os.close(ours)
    return drawn.decode()


def test_colours_are_for_terminals(cellfolio: Cellfolio, package: str) -> None:
    assert "\x1b" not in cellfolio("show", package).out
    plain = {"TERM": "xterm", "NO_COLOR": ""}
    assert "\x1b[1mlab/plates" in on_terminal("show", package, **plain)
    assert "\x1b" not in on_terminal("show", package, TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in on_terminal("show", package, TERM="dumb", NO_COLOR="")


def test_a_portal_tells_a_note_once(cellfolio: Cellfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody reads must not fill a pipe: the portal would stand still."""

    def answer_two_requests(*_: object) -> None:
        for note in ("odd names", "odd names", "odd numbers"):
            warnings.warn(note, stacklevel=1)

    monkeypatch.setattr("cellfolio.web.serving.serve", answer_two_requests)
    told = cellfolio("serve").err.splitlines()
    assert told == ["note: odd names", "note: odd numbers"]
