"""Names of channels, from what the Allen Institute writes beside its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What an info document tells of a channel.

    Attributes
    ----------
    name : str
    used : bool
    """

    name: str
    used: bool


def read_channel_info(info: Mapping[str, Any], count: int) -> tuple[ChannelInfo, ...]:
    """Read the ``channels`` of an info document.

    Parameters
    ----------
    info : mapping
    count : int
        Channels of the image.

    Raises
    ------
    InvalidArgument
        If it has no such list, or of another length.

    Examples
    --------
    >>> read_channel_info({"channels": [{"dye_name": "DNA", "use": True}]}, 1)
    (ChannelInfo(name='DNA', used=True),)
    """
    listed = info.get("channels")
    if not isinstance(listed, list) or len(listed) != count:
        found = len(listed) if isinstance(listed, list) else "no"
        raise InvalidArgument(f"the info document has {found} channels; the image has {count}")
    return tuple(_read_one(one, number) for number, one in enumerate(listed))


def _read_one(told: Any, number: int) -> ChannelInfo:
    name = told.get("dye_name") if isinstance(told, Mapping) else None
    used = told.get("use", True) if isinstance(told, Mapping) else None
    if not isinstance(name, str) or not isinstance(used, bool):
        raise InvalidArgument(
            f"channel {number} of the info document is {told!r}; expected an object with "
            "'dye_name', a text, and 'use', true or false"
        )
    return ChannelInfo(name, used)


def name_by_number(numbers: Mapping[str, int], names: Sequence[str]) -> tuple[str, ...]:
    """Return names of channels, those of `numbers` first.

    Raises
    ------
    InvalidArgument
        If a number is none of a channel, or given twice.

    Examples
    --------
    >>> name_by_number({"bf": 0, "nuc": 2}, ["a", "b", "c"])
    ('bf', 'b', 'nuc')
    """
    found = dict(enumerate(names))
    if len(set(numbers.values())) != len(numbers) or not set(numbers.values()) <= set(found):
        raise InvalidArgument(
            f"{dict(numbers)} are no numbers of {len(names)} channels; expected 0 to "
            f"{len(names) - 1}, each once at most"
        )
    found.update({number: name for name, number in numbers.items()})
    return check_names([found[number] for number in range(len(names))], len(names))


def check_names(names: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of so many channels.

    Raises
    ------
    InvalidArgument
        If there are others than `count`, or two are the same.
    """
    if isinstance(names, str) or len(names) != count or len(set(names)) != count:
        raise InvalidArgument(f"channels {names!r}: expected {count} different names")
    return tuple(names)
