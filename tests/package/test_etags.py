"""Multipart ETags: they tell the number of parts and not the size of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cellfolio.package.digests import (
    MAX_PART_SIZES,
    Digest,
    hash_blocks,
    infer_part_sizes,
    schemes,
)
from tests.package.oracle import MIB, etag

DATA = bytes(range(251)) * (24 * MIB // 251 + 1)


class Blocks:
    """A file in memory, read in blocks; counts how often."""

    def __init__(self, data: bytes, block: int = MIB) -> None:
        self.data = data
        self.block = block
        self.reads = 0

    def __call__(self) -> Iterator[bytes]:
        self.reads += 1
        for start in range(0, len(self.data), self.block):
            yield self.data[start : start + self.block]


@pytest.mark.parametrize("part_size", [8 * MIB, 5 * MIB, 5_000_000])
@pytest.mark.parametrize("size", [8 * MIB, 16 * MIB, 24 * MIB, 16 * MIB + 1, 16 * MIB - 1])
def test_the_part_size_is_found(size: int, part_size: int) -> None:
    file = Blocks(DATA[:size])
    expected = Digest("ETag", etag(file.data, part_size))
    assert expected.parts == -(-size // part_size)
    assert hash_blocks(expected, size, file) == (expected, size)


def test_customary_parts_are_tried_first() -> None:
    file = Blocks(DATA[: 16 * MIB])
    expected = Digest("ETag", etag(file.data, 8 * MIB))
    hash_blocks(expected, 16 * MIB, file)
    assert file.reads == 1


@pytest.mark.parametrize("size", [0, 1, 100, 8 * MIB])
def test_an_upload_of_one_part_is_not_a_plain_one(size: int) -> None:
    file = Blocks(DATA[:size])
    one_part = Digest("ETag", etag(file.data, max(size, 1)))
    plain = Digest("ETag", etag(file.data, None))
    assert (one_part.parts, plain.parts) == (1, None)
    assert hash_blocks(one_part, size, file) == (one_part, size)
    assert hash_blocks(plain, size, file) == (plain, size)


@given(st.integers(1, 2000), st.integers(1, 200 * 1000), st.integers(0, MIB - 1))
@example(8, 16, 0)
@example(8, 8, 1)
def test_a_part_size_of_whole_mib_is_always_among_the_candidates(
    part: int, mib: int, extra: int
) -> None:
    size, part_size = mib * MIB + extra, part * MIB
    parts = -(-size // part_size)
    assume(parts > 1)
    candidates = list(infer_part_sizes(size, parts))
    assert part_size in candidates
    assert len(set(candidates)) == len(candidates)
    assert all(-(-size // candidate) == parts for candidate in candidates)


@given(st.integers(0, 10**13), st.integers(2, 10**4))
def test_every_candidate_gives_the_number_of_parts(size: int, parts: int) -> None:
    tried = [how.leaf_size for how in schemes(Digest("ETag", f"{'0' * 32}-{parts}"), size)]
    assert 1 <= len(tried) <= MAX_PART_SIZES
    possible = size >= parts and -(-size // -(-size // parts)) == parts
    if possible:
        assert all(leaf and -(-size // leaf) == parts for leaf in tried)
    else:
        assert tried == [max(size, 1)]


def test_bytes_that_differ_are_told_after_every_candidate() -> None:
    size = 16 * MIB
    file = Blocks(DATA[:size])
    wrong = Digest("ETag", f"{'0' * 32}-2")
    found, count = hash_blocks(wrong, size, file)
    assert (found.value, count) == (etag(file.data, 8 * MIB), size)
    assert file.reads == len(list(schemes(wrong, size)))


def test_a_file_of_another_size_is_read_once() -> None:
    file = Blocks(DATA[: 16 * MIB + 1])
    _, count = hash_blocks(Digest("ETag", f"{'0' * 32}-2"), 16 * MIB, file)
    assert (count, file.reads) == (16 * MIB + 1, 1)


@pytest.mark.parametrize("parts", [2, 50, 10**6])
def test_more_parts_than_bytes_match_nothing(parts: int) -> None:
    claimed = Digest("ETag", f"{'0' * 32}-{parts}")
    found, count = hash_blocks(claimed, 1, Blocks(b"x"))
    assert found != claimed
    assert count == 1


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("0" * 32, None),
        ("0" * 32 + "-1", 1),
        ("0" * 32 + "-10000", 10_000),
        ("0" * 32 + "-0", None),
        ("0" * 32 + "-", None),
        ("0" * 32 + "--3", 3),
        ("0" * 32 + "-x", None),
        ("0" * 32 + "-٣", None),
        ("0" * 32 + "-" + "9" * 5000, None),
    ],
)
def test_the_number_of_parts_is_read_from_the_etag(value: str, parts: int | None) -> None:
    assert Digest("ETag", value).parts == parts
    assert Digest("MD5", value).parts is None
