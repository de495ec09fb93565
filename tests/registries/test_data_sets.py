"""Reading a catalogue: every field is kept, and whatever is wrong is named."""

from __future__ import annotations

import json
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.registries.catalogue import (
    Catalogue,
    builtin_catalogue,
    read_catalogue,
)

PILOT = 'version = 1\n[[data_set]]\nname = "lab/pilot"\ntitle = "Pilot"\naddress = "s3://screens"\n'


def nothing_beside(name: str) -> bytes:
    raise ObjectNotFound(name)


def read(text: str) -> Catalogue:
    return read_catalogue(text, "lab.toml", nothing_beside)


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1)
NAME = st.from_regex(r"[a-z0-9_-]+/[A-Za-z0-9_-]+", fullmatch=True)
FIELDS = st.fixed_dictionaries(
    {"name": NAME, "title": TEXT, "address": st.just("s3://screens/a%20b")},
    optional={
        "description": TEXT,
        "licence": TEXT,
        "contains": st.lists(TEXT),
        "modalities": st.lists(TEXT),
        "size": st.integers(0, 2**60),
        "files": st.integers(0, 2**60),
        "package": NAME,
        "listing": st.just("etags.tsv"),
        "bytes": st.just("https://host/{path}"),
    },
)


def as_toml(data_sets: list[dict[str, Any]]) -> str:
    """Write TOML, whose text, numbers and lists are those of JSON."""
    lines = ["version = 1"]
    for fields in data_sets:
        values = {key: json.dumps(value, ensure_ascii=False) for key, value in fields.items()}
        lines += ["[[data_set]]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join(lines)


@given(st.lists(FIELDS, unique_by=lambda fields: fields["name"], max_size=4))
def test_toml_and_json_read_alike_and_keep_every_field(data_sets: list[dict[str, Any]]) -> None:
    found = read(json.dumps({"version": 1, "data_set": data_sets}))
    assert found == read(as_toml(data_sets))
    assert len(found.data_sets) == len(data_sets)
    for fields in data_sets:
        one = found.find(fields["name"])
        assert one.package == fields.get("package", fields["name"])
        for key in fields.keys() - {"package"}:
            kept = getattr(one, key)
            assert (list(kept) if isinstance(kept, tuple) else kept) == fields[key]


def read_or_complain(text: str) -> Catalogue | str:
    """Return a catalogue, or the message of the error; any other error is a bug."""
    try:
        return read(text)
    except InvalidArgument as error:
        return str(error)


@given(st.text() | st.text().map(lambda text: "{" + text) | st.text().map(lambda t: PILOT + t))
def test_any_text_is_a_catalogue_or_an_error_that_names_it(text: str) -> None:
    found = read_or_complain(text)
    assert isinstance(found, Catalogue) or "lab.toml" in found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.sampled_from(["name", "title", "address", "size", "contains", "moved", "plates"]), JSON)
def test_a_field_of_any_value_is_taken_or_named_in_the_error(field: str, value: object) -> None:
    fields = {"name": "lab/pilot", "title": "Pilot", "address": "s3://screens", field: value}
    found = read_or_complain(json.dumps({"version": 1, "data_set": [fields]}))
    if isinstance(found, str):
        assert "lab.toml" in found
        assert repr(field) in found
    else:
        kept = getattr(found.data_sets[0], field)
        assert isinstance(kept, str | int | tuple)
        json.dumps(kept, ensure_ascii=False).encode()  # can be shown


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("version = ", "lab.toml cannot be read as TOML: Invalid value", "version = 1"),
        ('{"version": 1,', "lab.toml cannot be read as JSON: .*line 1", "version = 1"),
        ("{" * 100_000, "lab.toml cannot be read as JSON", ""),
        ("", "expected 'version = 1', found None", ""),
        (PILOT.replace("= 1", "= 2"), "expected 'version = 1', found 2", "later version"),
        (PILOT.replace("= 1", "= true"), "expected 'version = 1', found True", ""),
        (f'licence = "CC0"\n{PILOT}', "lab.toml: unknown field 'licence'", "data_set"),
        (f'{PILOT}license = "CC0"', "lab.toml, data set 'lab/pilot': unknown .*'license'", "licen"),
        (f"{PILOT}sizes = 3", "unknown field 'sizes'", "did you mean 'size'"),
        (PILOT.replace("title", "notes"), "'lab/pilot': the field 'title' is missing", ""),
        (PILOT.replace('"Pilot"', '""'), "the field 'title' is missing or empty", ""),
        (PILOT.replace("name", "notes"), "data set 1: the field 'name' is missing", ""),
        (PILOT.replace("lab/pilot", "pilot"), "field 'name': 'pilot' is not a package name", ""),
        (PILOT.replace("s3://", "/"), "field 'address': expected an address", "file:///"),
        (f"{PILOT}size = 1.5", "field 'size': expected a whole number .*found 1.5", ""),
        (f"{PILOT}size = -1", "field 'size': expected a whole number .*found -1", ""),
        (f"{PILOT}files = true", "field 'files': expected a whole number .*found True", ""),
        (f'{PILOT}contains = "a"', "field 'contains': expected a list of text, found 'a'", ""),
        (f"{PILOT}contains = [1]", "field 'contains': expected text, found 1", ""),
        (f'{PILOT}notes = "\\u001b[2J"', "field 'notes': expected text without control", ""),
        (f'{PILOT}plates = "../secret"', "field 'plates': expected the plain name", "no folder"),
        (f"{PILOT}{PILOT[12:]}", "the data set 'lab/pilot' is there twice", ""),
        ("version = 1\ndata_set = 3", "'data_set' should be a list, found 3", ""),
        ("version = 1\ndata_set = [3]", "data set 1: expected a table of fields, found 3", ""),
    ],
)
def test_errors_name_catalogue_data_set_and_field(text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        read(text)
    assert "lab.toml" in str(caught.value)
    assert hint in caught.value.hint


HOSTILE = [
    *("", ".", "..", "../catalogue.toml", "/etc/passwd", "a/b", "a\\b", "C:b", "C:\\b"),
    *(".hidden", "~root", "a\0b", "a\n", "nul", "CON.tsv", "a?b", "%2e%2e", "name ", "a.", "é"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_data_files_are_refused(name: str) -> None:
    for one in (builtin_catalogue().data_sets[0], read(PILOT).data_sets[0]):
        with pytest.raises(InvalidArgument, match="plain name of a file"):
            one.data_file(name)


@given(st.text() | st.text("./\\:~ab\0", max_size=6))
def test_a_name_that_is_taken_stays_in_its_folder(name: str) -> None:
    asked: list[str] = []

    def remember(taken: str) -> bytes:
        asked.append(taken)
        return b""

    one = read_catalogue(PILOT, "lab.toml", remember).data_sets[0]
    try:
        one.data_file(name)
    except InvalidArgument:
        assert asked == []
    else:
        assert asked == [name]
        assert PurePosixPath(name).name == PureWindowsPath(name).name == name


def test_a_data_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ObjectNotFound, match=r"no file 'none\.tsv'"):
        builtin_catalogue().data_sets[0].data_file("none.tsv")
