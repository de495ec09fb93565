"""What to fetch: everything wanted and not held, once."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.plan import entry_blob, plan_fetch, want

few_digests = st.sampled_from(
    [
        None,
        Digest("SHA256", "0" * 64),
        Digest("SHA256", "1" * 64),
        Digest("MD5", "0" * 32),
        Digest("CRC64NVME", "AAAAAAAAAAA="),
        Digest("BLAKE3", "00"),
    ]
)
wanted_lists = st.lists(
    st.builds(
        Entry,
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from(["s3://b/1", "s3://b/2"]),
        st.none() | st.integers(0, 3),
        few_digests,
    ),
    max_size=8,
)


class Store:
    """A store that has some blobs, and notes what it was asked."""

    def __init__(self, blobs: Iterable[str]) -> None:
        self.blobs = frozenset(blobs)
        self.asked: list[str] = []

    def held(self, blobs: Iterable[str]) -> frozenset[str]:
        asked = list(blobs)
        self.asked += asked
        return self.blobs.intersection(asked)


@given(wanted_lists, st.data())
@settings(max_examples=300)
def test_transfers_and_what_is_held_cover_what_is_wanted(
    wanted: list[Entry], data: st.DataObject
) -> None:
    names = [blob for entry in wanted if (blob := entry_blob(entry)) is not None]
    store = Store(data.draw(st.sets(st.sampled_from(sorted({*names, "MD5/other-1"})))))
    plan = plan_fetch(iter(wanted), store.held)
    fetched = [want(transfer.entry) for transfer in plan.transfers]

    assert {*fetched, *plan.held} == {want(entry) for entry in wanted}
    assert not set(fetched) & plan.held
    assert len(fetched) == len(set(fetched))
    assert plan.held == store.blobs & set(names)
    assert sorted(store.asked) == sorted(set(names))
    firsts = [entry for i, entry in enumerate(wanted) if want(entry) not in map(want, wanted[:i])]
    assert [t.entry for t in plan.transfers] == [e for e in firsts if want(e) not in plan.held]
    assert all(transfer.blob == entry_blob(transfer.entry) for transfer in plan.transfers)
    assert plan.files == len(wanted)
    assert plan.bytes_total == sum(entry.size or 0 for entry in wanted)
    assert plan.bytes_to_fetch == sum(transfer.size for transfer in plan.transfers)


@given(wanted_lists)
def test_nothing_is_fetched_twice(wanted: list[Entry]) -> None:
    first = plan_fetch(wanted, Store([]).held)
    store = Store(transfer.blob for transfer in first.transfers if transfer.blob)
    again = plan_fetch(wanted, store.held)
    assert all(transfer.blob is None for transfer in again.transfers)


def test_a_checksum_from_two_places_is_fetched_from_both() -> None:
    crc = Digest("CRC64NVME", "AAAAAAAAAAA=")
    entries = [Entry(place, place, 5, crc) for place in ("s3://a/x", "s3://b/x", "s3://a/x")]
    plan = plan_fetch(entries, Store([]).held)
    assert [transfer.entry.physical_key for transfer in plan.transfers] == ["s3://a/x", "s3://b/x"]


def test_bytes_that_nothing_vouches_for_are_always_fetched_once_for_each_place() -> None:
    entries = [Entry("a", "s3://b/x", 5), Entry("b", "s3://b/x", 5), Entry("c", "s3://b/y")]
    plan = plan_fetch(entries, frozenset)
    assert [transfer.entry.logical_key for transfer in plan.transfers] == ["a", "c"]
    assert (plan.bytes_total, plan.bytes_to_fetch) == (10, 5)
    assert [transfer.blob for transfer in plan.transfers] == [None, None]
