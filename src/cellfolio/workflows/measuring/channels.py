"""Which channels are measured, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list
from cellfolio.registries.plates import split_words
from cellfolio.registries.selection import CPJUMP1_CHANNELS, parse_channel

_NUMBER = re.compile(r"(?:ch)?0*([0-9]{1,3})", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class ChannelNames:
    """What channels are called, and where they are; nothing stands for all, as files name them.

    Attributes
    ----------
    of : tuple of (str, str)
        Name, and what it is called in tables and files: their name, or a number.

    Examples
    --------
    >>> names = ChannelNames.parse("DNA=5,Actin=AGP,ER")
    >>> names.of
    (('DNA', '5'), ('Actin', 'AGP'), ('ER', 'ER'))
    >>> names.numbered(5), names.named("AGP"), names.numbered(1)
    ('DNA', 'Actin', None)
    """

    of: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, words: str | Iterable[str]) -> ChannelNames:
        """Read ``NAME`` or ``NAME=WHAT``, with commas between.

        Raises
        ------
        InvalidArgument
            If a name is there twice, or would not do in names of features.
        """
        pairs = [word.partition("=") for word in split_words(words)] if words else []
        found = tuple((name.strip(), what.strip() or name.strip()) for name, _, what in pairs)
        for name, _ in found:
            if not _NAME.fullmatch(name):
                raise InvalidArgument(
                    f"a channel cannot be called {name!r}; expected letters and digits",
                    hint="names of features have it in them: Cells_Intensity_MeanIntensity_DNA",
                )
        twice = [name for at, (name, _) in enumerate(found) if name in dict(found[:at])]
        if twice:
            raise InvalidArgument(f"channel {twice[0]!r} is there twice")
        return cls(found)

    def named(self, name: str) -> str | None:
        """Return what a channel that a table or file names is called; None if it is not wanted."""
        if not self.of:
            return name
        return next((new for new, old in self.of if old.casefold() == name.casefold()), None)

    def numbered(self, number: int) -> str | None:
        """Return what a channel that a file's name numbers is called; None if it is not wanted.

        Without other names, numbers are those of CPJUMP1.
        """
        if not self.of:
            known = {one.number: one.name for one in CPJUMP1_CHANNELS}
            return known.get(number, f"ch{number}")
        return next((new for new, old in self.of if _number(old) == number), None)

    def check_found(self, found: Iterable[str], there: Iterable[str]) -> None:
        """Make sure that each was found somewhere.

        Parameters
        ----------
        found : iterable of str
            By their new names.
        there : iterable of str
            What files and tables call theirs.

        Raises
        ------
        InvalidArgument
        """
        known = set(found)
        left = [pair for pair in self.of if pair[0] not in known]
        if left:
            raise InvalidArgument(
                f"no image is of the channel {left[0][1]!r}",
                hint=suggest_or_list(left[0][1], dict.fromkeys(there)),
            )


def _number(word: str) -> int | None:
    found = _NUMBER.fullmatch(word)
    if found:
        return int(found[1])
    try:
        return parse_channel(word).number
    except InvalidArgument:
        return None
