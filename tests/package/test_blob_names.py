"""Names of blobs: safe as file names, the same for the same bytes, different for others."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.package.digests import ALGORITHMS, Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.keys import portability_problem
from cellfolio.package.plan import blob_digest, blob_id, entry_blob, want
from tests.package.strategies import digests

PLACE = "s3://b/k"
anything = st.builds(
    Digest,
    st.sampled_from(ALGORITHMS),
    st.text(st.characters(codec="utf-8"))
    | st.sampled_from(
        ["", "..", "../../x", "a/b", "C:\\x", "0" * 500, "A" * 4000, "A", "\0", "x" * 64]
    ),
)


@given(st.sampled_from(ALGORITHMS), st.binary(max_size=40))
def test_a_name_tells_its_digest(algorithm: str, data: bytes) -> None:
    digest = digest_of(data, algorithm)
    assert blob_digest(blob_id(digest, len(data), PLACE)) == digest
    assert blob_digest(blob_id(digest, None, PLACE)) == digest


@given(st.integers(1, 10_000))
def test_a_multipart_etag_is_told(parts: int) -> None:
    digest = Digest("ETag", f"{'0' * 32}-{parts}")
    assert blob_digest(blob_id(digest, 5, PLACE)) == digest


@given(anything, st.none() | st.integers(0, 2**63), st.text(st.characters(codec="utf-8")))
def test_every_name_is_safe(digest: Digest, size: int | None, place: str) -> None:
    name = blob_id(digest, size, place)
    algorithm, _, file = name.partition("/")
    assert algorithm == digest.algorithm
    assert re.fullmatch(r"[a-z0-9_-]{1,250}", file)
    assert name.count("/") == 1
    told = blob_digest(name)
    assert told is None or told.algorithm == algorithm
    assert portability_problem(f"x{file}") == ""


def test_a_value_that_is_no_base64_digest_is_not_taken_for_one() -> None:
    real = Digest("sha2-256-chunked", base64.b64encode(bytes(32)).decode())
    claimed = Digest("sha2-256-chunked", "00" * 32)
    assert blob_id(real, 5, PLACE) == "sha2-256-chunked/" + "00" * 32
    assert blob_id(claimed, 5, PLACE) != blob_id(real, 5, PLACE)
    assert blob_digest(blob_id(claimed, 5, PLACE)) is None


@given(digests, digests)
@example(
    Digest("sha2-256-chunked", base64.b64encode(b"\0" * 31 + b"\x68").decode()),
    Digest("sha2-256-chunked", base64.b64encode(b"\0" * 31 + b"\x02").decode()),
)
def test_names_differ_where_digests_differ(one: Digest, other: Digest) -> None:
    names = blob_id(one, 5, PLACE).lower(), blob_id(other, 5, PLACE).lower()
    assert (names[0] == names[1]) == (one == other)


def test_base64_that_differs_only_by_case_gives_two_names() -> None:
    one = base64.b64encode(bytes(range(32))).decode()
    other = one.swapcase()
    assert base64.b64decode(one) != base64.b64decode(other)
    names = {
        blob_id(Digest("sha2-256-chunked", value), 5, PLACE).casefold() for value in (one, other)
    }
    assert len(names) == 2


def test_strong_digests_are_stored_once_wherever_they_come_from() -> None:
    for algorithm in ("SHA256", "sha2-256-chunked"):
        digest = digest_of(b"hello", algorithm)
        assert blob_id(digest, 5, "s3://a/x") == blob_id(digest, None, "file:///y")


@pytest.mark.parametrize("algorithm", ["MD5", "ETag", "CRC64NVME"])
def test_weak_digests_stand_beside_their_size(algorithm: str) -> None:
    digest = digest_of(b"hello", algorithm)
    assert blob_id(digest, 5, PLACE) != blob_id(digest, 6, PLACE)
    assert blob_id(digest, 5, PLACE) != blob_id(digest, None, PLACE)


def test_a_checksum_holds_for_one_place_only() -> None:
    digest = digest_of(b"hello", "CRC64NVME")
    assert blob_id(digest, 5, "s3://a/x") != blob_id(digest, 5, "s3://b/x")
    assert blob_id(digest, 5, "s3://a/x") == blob_id(digest, 5, "s3://a/x")
    md5 = digest_of(b"hello", "MD5")
    assert blob_id(md5, 5, "s3://a/x") == blob_id(md5, 5, "s3://b/x")


@pytest.mark.parametrize("name", ["SHA256/x00", "sha2-256-chunked/zz", "CRC64NVME/z-5-0", "MD5/x"])
def test_a_name_that_tells_no_digest(name: str) -> None:
    assert blob_digest(name) is None


@pytest.mark.parametrize("algorithm", ["../x", "", "BLAKE3", "sha256"])
def test_an_unknown_algorithm_names_no_blob(algorithm: str) -> None:
    digest = Digest(algorithm, "00")
    with pytest.raises(InvalidArgument, match="cannot be checked; expected one of"):
        blob_id(digest, 5, PLACE)
    entry = Entry("a", PLACE, 5, digest)
    assert entry_blob(entry) is None
    assert want(entry) == f"at {PLACE}"


def test_what_stands_for_an_entry() -> None:
    digest = digest_of(b"hello", "SHA256")
    entry = Entry("a", PLACE, 5, digest)
    assert want(entry) == entry_blob(entry) == f"SHA256/{digest.value}"
    assert want(Entry("a", PLACE, 5)) == f"at {PLACE}"
