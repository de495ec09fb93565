"""Keyword filters."""

from __future__ import annotations

import datetime
import operator
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.conditions import Condition, find_values, parse_condition

OPERATORS = ("=", "!=", "~", "!~", "<", "<=", ">", ">=")
texts = st.text(st.sampled_from('ab1é=!<>~" .*\n'), max_size=8)
fields = texts.map(str.strip).filter(bool)
values = texts.map(str.strip)
# Of one kind: a float is compared by its shortest decimal, which is not its exact value.
pairs = st.tuples(st.integers(), st.integers()) | st.tuples(
    *[st.floats(allow_nan=False, allow_infinity=False)] * 2
)


@given(fields, st.sampled_from(OPERATORS), values)
def test_every_condition_is_read_as_it_is_written(field: str, sign: str, value: str) -> None:
    condition = Condition(field, sign, value)
    if not value and sign not in ("=", "!="):
        with pytest.raises(InvalidArgument, match="compares with nothing"):
            parse_condition(str(condition))
    else:
        assert parse_condition(str(condition)) == condition


@given(texts)
def test_any_text_is_a_condition_or_a_named_error(text: str) -> None:
    with suppress(InvalidArgument):
        condition = parse_condition(text)
        assert parse_condition(str(condition)) == condition


@given(pairs)
def test_numbers_are_compared_as_python_does(pair: tuple[float, float]) -> None:
    one, other = pair
    for sign, compare in {
        "=": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }.items():
        assert parse_condition(f"x{sign}{other!r}").holds([one]) == compare(one, other)


@given(st.lists(st.integers() | texts | st.none()), values)
def test_a_condition_and_its_negation_never_both_hold(found: list[Any], value: str) -> None:
    if not value:
        return
    for sign in ("=", "~"):
        holds = Condition("x", sign, value).holds(found)
        negated = Condition("x", f"!{sign}", value).holds(found)
        there = [one for one in found if one not in (None, "")]
        assert holds + negated == (1 if there else 0)


@pytest.mark.parametrize(
    ("condition", "found", "holds"),
    [
        ("gene=TTN", ["TTN"], True),
        ("gene=ttn", ["TTN"], False),
        ("gene~t*", ["TTN"], True),
        ("gene!~t*", ["MYH6"], True),
        ("gene!=TTN", [], False),
        ("gene=", [], True),
        ("gene=", [float("nan"), None, ""], True),
        ("gene!=", ["TTN"], True),
        ("size>1MB", [1_000_001], True),
        ("size>1MiB", [1_000_001], False),
        ("size<=1.5 kB", [1500], True),
        ("size>1MB", [None], False),
        ("day=D0", ["D0", "D12"], True),
        ("day!=D0", ["D0", "D12"], False),
        ("count=1.0", [1], True),
        ("count=01", [1], True),
        ("well=01", ["1"], False),
        ("age>18", ["32"], True),
        ("age>18", ["old"], False),
        ("ok=true", [True], True),
        ("ok=True", [True], True),
        ("ok>0", [True], False),
        ("date>=2019-08", [datetime.date(2019, 8, 16)], True),
        ("date=2019-08-16", [datetime.datetime(2019, 8, 16, 9)], True),
        ("date>2019-08-16", [datetime.datetime(2019, 8, 16, 9)], False),
        ("date>2019-08-15", ["2019-08-16"], True),
        ("a b = c = d", ["c = d"], True),
    ],
)
def test_meaning(condition: str, found: list[Any], holds: bool) -> None:
    assert parse_condition(condition).holds(found) is holds


@pytest.mark.parametrize("text", ["", "gene", "=TTN", "size>", "  ", "a!b"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(repr(text))):
        parse_condition(text)


def test_nested_fields_are_found_by_dots_and_in_lists() -> None:
    document = {"channels": [{"dye": "DAPI"}, {"dye": "FM4"}, {}], "a.b": {"c": 1}, "a": {"b": 2}}
    assert find_values(document, "channels.dye") == ["DAPI", "FM4"]
    assert find_values(document, "a.b.c") == [1]
    assert find_values(document, "a.b") == [2, {"c": 1}]
    assert find_values(document, "nothing.here") == []
