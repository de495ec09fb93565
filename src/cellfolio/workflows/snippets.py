"""How to have a package, a folder or a file by other means: text to be copied and run as it is.

Rule: every name is quoted for the language it stands in, so that a hostile one is only a name.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import quote

from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.storage.places import Place, local_path, parse_uri
from cellfolio.workflows.systems import is_address

_LOOKED_AT = 20_000
"""Files of a folder whose places are compared; a larger one is not copied by its prefix."""
_LISTED = 20
"""Files that are copied one by one where a folder has no prefix of its own."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text to be copied.

    Attributes
    ----------
    name : str
        Short, for addresses.
    title : str
        What runs it.
    text : str
    note : str
        What its user should know.
    """

    name: str
    title: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in which package somebody is.

    Attributes
    ----------
    word : str
        What opens the package: a reference without revision, a name of the catalogue, a folder.
    registry : str
        URI of its registry; empty for a plain folder.
    name : str
        Its name there.
    top_hash : str
        Of the revision.
    found : Folder or Entry
        What one looks at.
    """

    word: str
    registry: str
    name: str
    top_hash: str
    found: Folder | Entry

    @property
    def key(self) -> str:
        """Logical key; empty for the whole package."""
        return self.found.logical_key if isinstance(self.found, Entry) else self.found.key

    @property
    def kept(self) -> bool:
        """Whether a revision can be named: others than Quilt's and the atlas's keep none."""
        return bool(self.registry) and (
            not is_address(self.registry) or self.registry.startswith("abc+")
        )

    @property
    def reference(self) -> str:
        """What opens this very revision."""
        return f"{self.word}@{self.top_hash}" if self.kept else self.word

    @property
    def base(self) -> str:
        """Name of a file or folder to copy to."""
        name = self.key.rpartition("/")[2] or PurePosixPath(self.name).name or "package"
        return f"./{name}" if name.startswith("-") else name  # or it would be taken for an option


def snippets_of(spot: Spot) -> tuple[Snippet, ...]:
    """Return all ways to have what one looks at."""
    found = [_python(spot), _command_line(spot), *_quilt3(spot), *_objects(spot)]
    return tuple(found)


def _python(spot: Spot) -> Snippet:
    lines = ["import cellfolio", "", f"package = cellfolio.open({spot.reference!r})"]
    if isinstance(spot.found, Entry):
        lines.append(f"path = cellfolio.fetch(package, {spot.key!r})  # a local file, checked")
        if _is_known(spot.found):
            lines.append(f"data = package[{_item(spot)!r}].load()  # as what it is")
    elif spot.key:
        lines += [f"folder = package[{_item(spot)!r}]", "print(folder)"]
        lines.append(f"cellfolio.get({spot.reference!r}, {spot.base!r}, {spot.key + '/'!r})")
    else:
        lines += ["print(package)", f"cellfolio.get({spot.reference!r}, {spot.base!r})"]
    return Snippet("python", "Python", "\n".join(lines))


def _item(spot: Spot) -> str:
    return spot.key if isinstance(spot.found, Entry) else spot.key + "/"


def _is_known(entry: Entry) -> bool:
    from cellfolio.formats.images.opening import names_image
    from cellfolio.formats.standard import DEFAULT

    suffixes = [suffix for one in DEFAULT for suffix in one.suffixes]
    return names_image(entry.name) or entry.name.lower().endswith(tuple(suffixes))


def _command_line(spot: Spot) -> Snippet:
    folder = spot.base
    if isinstance(spot.found, Entry):
        folder = PurePosixPath(spot.name).name or "package"
    words = ["cellfolio", "get", "-o", folder, spot.reference]
    if spot.key:
        words += ["--", _item(spot)] if spot.key.startswith("-") else [_item(spot)]
    return Snippet("shell", "Command line", _command(words))


def _command(words: Sequence[str]) -> str:
    """Return a command that a shell reads as these words."""
    return " ".join(map(quote_word, words))


def quote_word(word: str) -> str:
    r"""Return what a shell reads as one word; characters that hide are written out.

    Examples
    --------
    >>> quote_word("it's"), quote_word("a\u202eb"), quote_word("a/b.csv")
    ('\'it\'"\'"\'s\'', "$'a\\u202eb'", 'a/b.csv')
    """
    if word.isprintable():
        return shlex.quote(word)
    # So do bash, zsh and ksh.
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _quilt3(spot: Spot) -> Iterator[Snippet]:
    if not spot.registry or is_address(spot.registry):
        return
    browse = f"quilt3.Package.browse(\n    {spot.name!r},\n    registry={spot.registry!r},\n    "
    lines = ["import quilt3", "", f"package = {browse}top_hash={spot.top_hash!r},\n)"]
    if isinstance(spot.found, Entry):
        lines.append(f"package[{spot.key!r}].fetch({spot.base!r})")
    elif spot.key:
        lines.append(f"package[{spot.key!r}].fetch({spot.base + '/'!r})")
    else:
        lines.append(f"package.fetch({spot.base + '/'!r})")
    yield Snippet("quilt3", "quilt3", "\n".join(lines))
    if spot.registry.startswith("s3://"):
        path = f"&path={quote(spot.key)}" if spot.key else ""
        uri = f"quilt+{spot.registry}#package={spot.name}@{spot.top_hash}{path}"
        yield Snippet("uri", "Quilt+ URI", uri, "Opens the same place in a Quilt catalogue.")


def _objects(spot: Spot) -> Iterator[Snippet]:
    """Yield commands that ask the object store itself."""
    if isinstance(spot.found, Entry):
        command = _copy_file(spot.found, spot.base)
        if command:
            title, text = command
            yield Snippet("s3", title, text, _UNCHECKED)
        return
    prefix = common_prefix(spot.found)
    if prefix is not None and prefix.root.startswith("s3://"):
        words = ("aws", "s3", "cp", "--recursive", f"{prefix.root}/{prefix.path}", f"{spot.base}/")
        note = "Copies what lies there now, whatever the revision. " + _UNCHECKED
        yield Snippet("s3", "Plain S3", _command(words), note)
        return
    entries = list(islice(spot.found.walk(), _LISTED + 1))
    cut = len(spot.found.prefix)
    if len(entries) <= _LISTED:
        commands = [_copy_file(one, f"{spot.base}/{one.logical_key[cut:]}") for one in entries]
        texts = [command[1] for command in commands if command]
        if texts and len(texts) == len(entries):
            folders = {f"{spot.base}/{one.logical_key[cut:]}".rpartition("/")[0] for one in entries}
            make = _command(("mkdir", "-p", *sorted(folders)))
            yield Snippet("s3", "Plain S3", "\n".join([make, *texts]), _UNCHECKED)


_UNCHECKED = (
    "Nothing is checked. Where no credentials are set up, public data wants --no-sign-request."
)


def _copy_file(entry: Entry, target: str) -> tuple[str, str] | None:
    """Return title and command that copy a file from where it lies; None for one of this disk."""
    if local_path(entry.physical_key) is not None:
        return None
    place = parse_uri(entry.physical_key)
    if not place.root.startswith("s3://"):
        url = entry.physical_key
        return "Plain HTTP", _command(("curl", "--fail", "--location", "--output", target, url))
    bucket = place.root.removeprefix("s3://")
    if place.version is None:
        return "Plain S3", _command(("aws", "s3", "cp", f"{place.root}/{place.path}", target))
    words = ("aws", "s3api", "get-object", "--bucket", bucket, f"--key={place.path}")
    return "Plain S3", _command((*words, f"--version-id={place.version}", target))


def common_prefix(folder: Folder) -> Place | None:
    """Return the place below which all files of a folder lie as their logical keys say.

    None if there is none, or the folder has too many files to look.
    """
    if not 0 < folder.file_count <= _LOOKED_AT:
        return None
    found: Place | None = None
    for row in folder.rows.between(*folder.span):
        key = row.key.decode()[len(folder.prefix) :]
        uri = row.physical_key.decode()
        if local_path(uri) is not None:
            return None
        place = parse_uri(uri)
        if not place.path.endswith(f"/{key}") and place.path != key:
            return None
        here = Place(place.root, place.path[: len(place.path) - len(key)])
        if found not in (None, here):
            return None
        found = here
    return found
