"""Digests: known vectors, other implementations, and bytes that come in blocks."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.package.digests import (
    ALGORITHMS,
    Digest,
    Hasher,
    chunk_size,
    digest_of,
    equal_digests,
    scheme,
    schemes,
)
from tests.package import oracle
from tests.package.oracle import MIB

NINE_MIB = bytes(range(256)) * 36864


@pytest.mark.parametrize(
    ("algorithm", "data", "value"),
    [
        ("sha2-256-chunked", b"hello", "lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA="),
        ("sha2-256-chunked", b"", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("sha2-256-chunked", NINE_MIB, "kblDlqnyLJK+pUV1t/hg3xux7RPrSzBobrA3bpEpxEQ="),
        ("CRC64NVME", b"hello", "M3eFcAZSQlc="),
        ("CRC64NVME", b"", "AAAAAAAAAAA="),
        ("SHA256", b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("MD5", b"", "d41d8cd98f00b204e9800998ecf8427e"),
        ("ETag", b"hello", "5d41402abc4b2a76b9719d911017c592"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_published_vectors(algorithm: str, data: bytes, value: str) -> None:
    assert digest_of(data, algorithm) == Digest(algorithm, value)


@given(st.binary(max_size=300))
@example(b"123456789")
def test_every_algorithm_agrees_with_another_implementation(data: bytes) -> None:
    expected = {
        "SHA256": hashlib.sha256(data).hexdigest(),
        "sha2-256-chunked": oracle.chunked(data),
        "CRC64NVME": oracle.crc64nvme(data),
        "MD5": hashlib.md5(data).hexdigest(),
        "ETag": oracle.etag(data, None),
    }
    assert tuple(expected) == ALGORITHMS
    assert {name: digest_of(data, name).value for name in ALGORITHMS} == expected


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("chunks", [1, 2])
def test_quilt3_agrees_around_whole_chunks(chunks: int, extra: int) -> None:
    data = NINE_MIB * 2
    data = data[: chunks * 8 * MIB + extra]
    checksums = oracle.quilt3_checksums()
    for name in ("sha2-256-chunked", "CRC64NVME"):
        theirs = checksums.calculate_multipart_checksum_bytes(data, checksum_type=name)
        assert digest_of(data, name).value == theirs
    assert digest_of(data, "SHA256").value == checksums.legacy_calculate_checksum_bytes(data)
    assert digest_of(data).value == oracle.chunked(data)


@given(st.integers(min_value=0, max_value=6 * 2**40))
@example(0)
@example(80_000 * MIB)
@example(80_000 * MIB + 1)
@example(160_000 * MIB)
@example(160_000 * MIB + 1)
def test_chunks_are_as_large_as_those_of_quilt3(size: int) -> None:
    assert chunk_size(size) == oracle.quilt3_checksums().get_checksum_chunksize(size)
    assert -(-size // chunk_size(size)) <= 10_000


def test_the_largest_object_of_s3_has_chunks_of_one_gib() -> None:
    assert chunk_size(80_000 * MIB) == 8 * MIB
    assert chunk_size(5 * 2**40) == 2**30


@given(
    st.sampled_from(ALGORITHMS),
    st.binary(max_size=200),
    st.lists(st.integers(0, 200), max_size=6),
    st.none() | st.integers(1, 70),
)
@settings(max_examples=200)
def test_any_split_into_blocks_gives_the_same_digest(
    algorithm: str, data: bytes, cuts: list[int], part_size: int | None
) -> None:
    how = scheme(algorithm, len(data), part_size=part_size if algorithm == "ETag" else None)
    whole, blocks = Hasher(how), Hasher(how)
    whole.update(data)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, stop in pairwise(bounds):
        blocks.update(memoryview(data)[start:stop])
    assert blocks.digest() == whole.digest()
    assert blocks.digest() == blocks.digest()
    if algorithm == "ETag":
        assert whole.digest().value == oracle.etag(data, part_size)


@pytest.mark.parametrize("block", [1 << 20, 3 * MIB + 7, 8 * MIB, 8 * MIB + 1])
def test_blocks_that_cross_chunks_give_the_same_digest(block: int) -> None:
    hasher = Hasher(scheme("sha2-256-chunked", len(NINE_MIB)))
    for start in range(0, len(NINE_MIB), block):
        hasher.update(bytearray(NINE_MIB[start : start + block]))
    assert len(hasher.leaves()) == 2
    assert hasher.digest().value == oracle.chunked(NINE_MIB)


@given(st.sampled_from(ALGORITHMS), st.text(st.characters(codec="utf-8")))
def test_a_digest_survives_its_text(algorithm: str, value: str) -> None:
    digest = Digest(algorithm, value)
    assert Digest.parse(str(digest)) == digest


def test_text_without_a_colon_is_no_digest() -> None:
    with pytest.raises(
        InvalidArgument, match=r"^'abc' is not a digest; expected 'algorithm:value'"
    ):
        Digest.parse("abc")


@pytest.mark.parametrize("algorithm", ["", "sha256", "BLAKE3", "SHA256 "])
def test_an_unknown_algorithm_is_kept_and_cannot_be_computed(algorithm: str) -> None:
    digest = Digest(algorithm, "00")
    assert not digest.checkable
    message = re.escape(f"digest algorithm {algorithm!r} is not known; expected one of SHA256, ")
    with pytest.raises(InvalidArgument, match=message):
        scheme(algorithm, 3)
    with pytest.raises(InvalidArgument, match=message):
        list(schemes(digest, 3))
    with pytest.raises(InvalidArgument, match=message):
        digest_of(b"abc", algorithm)


@given(st.sampled_from(ALGORITHMS), st.binary(max_size=50))
def test_equal_digests_are_those_of_the_same_bytes(algorithm: str, data: bytes) -> None:
    digest = digest_of(data, algorithm)
    same = equal_digests(digest, len(data))
    assert same[0] == digest
    assert same == tuple(digest_of(data, other.algorithm) for other in same)


@pytest.mark.parametrize("size", [8 * MIB, 8 * MIB + 1])
def test_sha256_tells_the_chunked_digest_of_one_chunk_only(size: int) -> None:
    data = NINE_MIB[:size]
    same = equal_digests(digest_of(data, "SHA256"), size)
    assert len(same) == (2 if size == 8 * MIB else 1)
    assert all(digest_of(data, other.algorithm) == other for other in same)


def test_equal_digests_go_both_ways_between_md5_and_a_plain_etag() -> None:
    md5, plain = Digest("MD5", "0" * 32), Digest("ETag", "0" * 32)
    assert equal_digests(md5, 1) == (md5, plain)
    assert equal_digests(plain, 1) == (plain, md5)
    parts = Digest("ETag", "0" * 32 + "-2")
    assert equal_digests(parts, 1) == (parts,)


@pytest.mark.parametrize("value", ["", "zz", "00", "é" * 64, base64.b64encode(bytes(32)).decode()])
def test_a_value_that_is_no_sha256_equals_nothing_else(value: str) -> None:
    digest = Digest("SHA256", value)
    assert equal_digests(digest, 5) == (digest,)
