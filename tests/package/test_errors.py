"""The tree of errors."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from cellfolio import errors
from cellfolio.errors import CellfolioError

EXAMPLES: list[CellfolioError] = [
    errors.InvalidKey("../x", "may not contain '..'", hint="another name"),
    errors.LibraryMissing("it needs PyTorch", extra="deep", instead="take another"),
    errors.InvalidManifest("not JSON", line=3, hint="get it again"),
    errors.ManifestMismatch("0" * 64, "1" * 64),
    errors.DigestMismatch("a/x", "MD5:00", "MD5:11", hint="again"),
    errors.FormatError("a.csv", "csv", "it is empty", hint="get it again"),
    errors.UnknownFormat("a.xyz", "", "no format has this suffix"),
    errors.BrokenFile("a.csv", "csv", "line 3 has 2 fields"),
    errors.TransferIncomplete([errors.ServerUnreachable("no answer", hint="wait")], 5),
    errors.NotEnoughSpace("the disk is full", needed=5, free=3),
    errors.CheckoutConflict("/data", ["a", "b"]),
    errors.PushConflict("lab/cells", None, "1" * 64),
]


def kinds(kind: type[CellfolioError] = CellfolioError) -> Iterator[type[CellfolioError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds(below)


SPECIAL = {type(example) for example in EXAMPLES}
PLAIN = sorted(set(kinds()) - SPECIAL, key=lambda kind: kind.__name__)
EXAMPLES += [kind("it failed", hint="do this") for kind in PLAIN]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_another_process(error: CellfolioError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == error.message
    assert again.args == error.args
    facts = {name: str(value) for name, value in vars(error).items()}
    assert {name: str(value) for name, value in vars(again).items()} == facts
    assert again.hint == error.hint


def test_every_error_is_drawn_in_the_tree_with_its_second_base() -> None:
    tree = (errors.__doc__ or "").split("::")[1]
    for kind in kinds():
        assert kind.__name__ in tree
        second = [base for base in kind.__bases__ if not issubclass(base, CellfolioError)]
        if second and kind is not CellfolioError:
            assert f"{kind.__name__} ({second[0].__name__})" in tree


def test_many_failures_are_summed_up() -> None:
    failures = [errors.ObjectNotFound(f"file {number}") for number in range(5)]
    error = errors.TransferIncomplete(failures, 9)
    assert str(error) == "5 of 9 files failed: file 0; file 1; file 2; and 2 more"
    assert error.hint.startswith("run the same command again")
    assert error.failures == tuple(failures)
    conflict = errors.CheckoutConflict("/data", [str(number) for number in range(7)])
    assert "7 files in /data" in str(conflict)
    assert "0, 1, 2, 3, 4 and 2 more" in str(conflict)
    assert conflict.keys == tuple("0123456")
