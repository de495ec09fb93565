"""Damaged recipes, configurations, catalogues and lists of images: used, or told what is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfolio.errors import CellfolioError
from cellfolio.registries.data_sets import read_catalogue
from cellfolio.registries.reference import parse_reference
from cellfolio.workflows.benchmarks.known import read_configuration
from cellfolio.workflows.mosaics import image_files
from cellfolio.workflows.profiling.toml_recipe import read_recipe
from cellfolio.workflows.profiling.yaml_recipe import read_profiling_recipe
from tests.docs.pages import ROOT
from tests.metadata.test_load_data import index
from tests.mutation import edited, edits
from tests.workflows.test_recipes import YAML

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Parser:
    """What reads a file of strangers.

    Attributes
    ----------
    name : str
        Of the file.
    read : callable
    valid : callable
        Returns a valid file.
    pieces : tuple of bytes
        What means something to it.
    """

    name: str
    read: Callable[[Path], Any]
    valid: Callable[[], bytes]
    pieces: tuple[bytes, ...] = ()


def _recipe() -> bytes:
    text = (ROOT / "docs/guide/profiling-recipes.md").read_text(encoding="utf-8")
    return text.partition("```toml\n")[2].partition("```")[0].encode()


def _read_catalogue(path: Path) -> None:
    text = path.read_bytes().decode(errors="surrogateescape")
    read_catalogue(text, "a catalogue", lambda name: b"")


def _example(name: str) -> Callable[[], bytes]:
    folder = ROOT / "src/cellfolio/workflows/benchmarks/examples"
    return sorted(folder.glob(name))[0].read_bytes


_LOAD_DATA = b"""\
FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER,Metadata_Plate,Metadata_Well,\
Metadata_Site,FileName_IllumDNA,PathName_IllumDNA
a1.tiff,/images,a2.tiff,/images,BR1,A01,1,BR1_IllumDNA.npy,/illum
b1.tiff,/images,b2.tiff,/images,BR1,P24,9,BR1_IllumDNA.npy,/illum
"""


_CATALOGUE = ROOT / "src/cellfolio/registries/data/catalogue.toml"
PARSERS = (
    Parser("recipe.toml", read_recipe, _recipe, (b"[[", b"]]", b'"""', b"0.1")),
    Parser("config.yml", read_profiling_recipe, YAML.encode, (b"- ", b"  ", b"&a *a", b": ")),
    Parser("benchmark.toml", read_configuration, _example("*.toml"), (b"[", b"]", b"seed = -1\n")),
    Parser(
        "catalogue.toml",
        _read_catalogue,
        _CATALOGUE.read_bytes,
        (b"[[data_set]]\n",),
    ),
    Parser("load_data.csv", image_files, lambda: _LOAD_DATA, (b"A01", b"FileName_Orig", b"\n")),
    Parser(
        "Index.idx.xml",
        image_files,
        lambda: index(shared_by_channel=True).encode(),
        (b"<Image>", b"</Image>", b"<!ENTITY", b"&a;"),
    ),
)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@given(data=st.data())
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_file_is_used_or_refused(
    parser: Parser, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / parser.name
    path.write_bytes(edited(parser.valid(), data.draw(edits(*parser.pieces))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parser.read(path)
        except CellfolioError:
            return


@given(st.text(max_size=60) | st.text("abs3:/@#=?&.%~ ", max_size=40))
@settings(max_examples=500)
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = parse_reference(text)
    except CellfolioError:
        return
    assert parse_reference(str(found)) == found
