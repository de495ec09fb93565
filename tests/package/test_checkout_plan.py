"""What happens to each file of a checkout: the user's files are never touched unasked."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.package.plan import Action, FileState, decide_file, plan_checkout

# By what is wanted and recorded: the new blob "n", the old "o", or none "-"; then by state.
TABLE = """
wanted recorded | absent  unchanged changed   foreign   wanted
n      n        | place   keep      conflict  conflict  record
n      o        | place   place     conflict  conflict  record
n      -        | place   place     conflict  conflict  record
-      o        | remove  remove    leave     leave     leave
-      -        | leave   leave     leave     leave     leave
"""


def cases() -> list[tuple[str | None, str | None, FileState, Action]]:
    header, *lines = TABLE.strip().splitlines()
    states = [FileState(name) for name in header.split("|")[1].split()]
    found = []
    for line in lines:
        left, _, right = line.partition("|")
        wanted, recorded = (None if word == "-" else word for word in left.split())
        for state, action in zip(states, right.split(), strict=True):
            found.append((wanted, recorded, state, Action(action)))
    return found


def test_the_table_has_every_case() -> None:
    assert len({case[:3] for case in cases()}) == 5 * len(FileState) == 25


@pytest.mark.parametrize(("wanted", "recorded", "state", "action"), cases())
def test_a_file_is_treated_by_the_table(
    wanted: str | None, recorded: str | None, state: FileState, action: Action
) -> None:
    assert decide_file(wanted, recorded, state, force=False) is action
    forced = Action.PLACE if action is Action.CONFLICT else action
    assert decide_file(wanted, recorded, state, force=True) is forced


def test_the_users_files_are_never_placed_over_or_removed_unasked() -> None:
    blobs = (None, "n", "o")
    for wanted, recorded, state in product(blobs, blobs, (FileState.CHANGED, FileState.FOREIGN)):
        action = decide_file(wanted, recorded, state, force=False)
        assert action in (Action.LEAVE, Action.CONFLICT)
        assert decide_file(wanted, recorded, state, force=True) is not Action.REMOVE


blob_maps = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["1", "2", "3"]))
states = st.fixed_dictionaries({key: st.sampled_from(FileState) for key in "abcdefgh"})


@given(blob_maps, blob_maps, states, st.booleans())
@settings(max_examples=400)
def test_a_plan_says_one_thing_about_each_file(
    wanted: dict[str, str], recorded: dict[str, str], state: dict[str, FileState], force: bool
) -> None:
    plan = plan_checkout(wanted, recorded, state.__getitem__, force=force)
    users = {key for key, found in state.items() if found in (FileState.CHANGED, FileState.FOREIGN)}
    said = [*plan.place, *plan.record, *plan.remove, *plan.left, *plan.conflicts]

    assert len(said) == len(set(said))
    assert len(said) + plan.keep == len({*wanted, *recorded})
    assert all(blob == wanted[key] for key, blob in [*plan.place.items(), *plan.record.items()])
    assert not set(plan.remove) & (set(wanted) | users)
    assert set(plan.remove) <= set(recorded)
    assert plan.replaced == {key for key in plan.place if state[key] is not FileState.ABSENT}
    if force:
        assert plan.conflicts == ()
    else:
        assert not set(plan.place) & users
        assert set(plan.conflicts) == users & set(wanted)
    assert set(plan.left) <= set(recorded) - set(wanted)
    order = list(wanted)
    for keys in (list(plan.place), list(plan.record), list(plan.conflicts)):
        assert keys == sorted(keys, key=order.index)


@given(blob_maps, blob_maps)
def test_after_a_plan_is_carried_out_nothing_is_left_to_do(
    wanted: dict[str, str], recorded: dict[str, str]
) -> None:
    before = dict.fromkeys("abcdefgh", FileState.ABSENT)
    before |= dict.fromkeys(recorded, FileState.UNCHANGED)
    plan = plan_checkout(wanted, recorded, before.__getitem__)
    after = {key: blob for key, blob in recorded.items() if key not in plan.remove}
    after |= {**plan.place, **plan.record}
    assert after == wanted
    done = plan_checkout(wanted, after, lambda key: FileState.UNCHANGED)
    assert (done.place, done.remove, done.keep) == ({}, (), len(wanted))
