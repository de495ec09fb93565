"""Libraries of extras: asked for where they are needed, and of extras that exist."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from cellfolio.errors import LibraryMissing
from cellfolio.extras import importing
from docs.make_size_table import extras
from tests.docs.pages import ROOT

ASKING = {"importing", "LibraryMissing"}


def asked_for() -> Iterator[tuple[str, str]]:
    """Yield each file of the sources that asks for an extra, and the extra."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(name in text for name in ASKING) or path.name in {"extras.py", "errors.py"}:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ASKING:
                extra = next(one.value for one in node.keywords if one.arg == "extra")
                assert isinstance(extra, ast.Constant), f"{path}: {ast.unparse(node)}"
                yield str(path.relative_to(ROOT)), str(extra.value)


def test_every_extra_is_asked_for_where_it_is_needed() -> None:
    assert {extra for _, extra in asked_for()} == {*extras()}


def test_what_is_missing_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with (
        pytest.raises(LibraryMissing) as caught,
        importing("umap-learn", extra="umap", what="UMAP", instead="take pca"),
    ):
        import umap  # noqa: F401
    assert str(caught.value) == "UMAP needs umap-learn, which is not installed"
    assert caught.value.hint == "python -m pip install 'cellfolio[umap]', or take pca"
    assert caught.value.extra == "umap"
    assert isinstance(caught.value, ImportError)


def test_what_is_there_and_cannot_be_loaded_is_told_with_the_reason() -> None:
    with (
        pytest.raises(LibraryMissing, match=r"needs Paper, which cannot be imported: libpaper\.so"),
        importing("Paper", extra="deep", what="it"),
    ):
        raise ImportError("libpaper.so is not there")


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), importing("Paper", extra="deep", what="it"):
        _ = 1 / 0
