"""Write ``docs/reference/python.md`` from the docstrings of the public names.

Run it from the checkout after a change of the interface::

    python -m docs.make_python_reference
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure

import cellfolio
from cellfolio.formats.images.image import Image
from cellfolio.profiles import Modz, Normalization, Operation
from cellfolio.profiles.aggregating import Average

REFERENCE = Path(__file__).parent / "reference" / "python.md"

_START = """\
# Python

<!-- Made by docs/make_python_reference.py; change the docstrings, not this file. -->

Everything below is in `cellfolio`, but for what the verbs return, which is named with its module.
The errors are in [`cellfolio.errors`](errors.md). How to use all this: the
[guide](../guide/python.md).
"""
_SECTIONS = {
    "Verbs": "One for each command.",
    "Values": "What the verbs work on.",
    "What verbs return": "Made by the verbs; you only read them.",
}
_LATE = {
    "AnnData": AnnData,
    "Average": Average,
    "Figure": Figure,
    "Image": Image,
    "Modz": Modz,
    "Normalization": Normalization,
    "Operation": Operation,
    "pd": pd,
}
"""What modules import for type checking only, so that the library stays light."""
_SECTION = re.compile(r"^(?P<title>[A-Z][a-z]+(?: [a-z]+)?)\n-{3,}$", re.MULTILINE)


def reference() -> str:
    """Return the text of the reference."""
    return "\n".join(_parts())


def names() -> dict[str, dict[str, Any]]:
    """Return the objects of each section by the name that the reference gives them."""
    public = {name: getattr(cellfolio, name) for name in cellfolio.__all__}
    verbs = {name: one for name, one in public.items() if isinstance(one, FunctionType)}
    values = {name: one for name, one in public.items() if name not in verbs}
    returned = {f"{one.__module__}.{one.__name__}": one for one in _returned(verbs.values())}
    return dict(zip(_SECTIONS, (verbs, values, dict(sorted(returned.items()))), strict=True))


def _returned(verbs: Any) -> Iterator[type]:
    """Yield the classes that verbs return, and those in their fields, but the public ones."""
    waiting = [get_type_hints(verb, localns=_LATE)["return"] for verb in verbs]
    seen: set[Any] = set()
    while waiting:
        hint = waiting.pop()
        if hint in seen:
            continue
        seen.add(hint)
        waiting += getattr(hint, "__args__", ())
        public = getattr(hint, "__name__", "") in cellfolio.__all__
        if is_dataclass(hint) and isinstance(hint, type) and not public:
            waiting += get_type_hints(hint, localns=_LATE).values()
            yield hint


def _parts() -> Iterator[str]:
    yield _START
    for (title, about), found in zip(_SECTIONS.items(), names().values(), strict=True):
        yield f"## {title}\n"
        yield f"{about}\n"
        for name, one in found.items():
            yield from _class(name, one) if isinstance(one, type) else _function(name, one)


def _function(name: str, function: FunctionType) -> Iterator[str]:
    yield f"### {name}\n"
    yield _code(f"cellfolio.{name}", function)
    yield from _text(function)


def _class(name: str, kind: type) -> Iterator[str]:
    yield f"### {name}\n"
    bases = [base.__name__ for base in kind.__bases__ if base is not object]
    if bases:
        yield f"A kind of {', '.join(f'`{base}`' for base in bases)}.\n"
    if is_dataclass(kind) or "\nParameters\n" in (kind.__doc__ or "").replace("    ", ""):
        yield _code(kind.__name__, kind)
    yield from _text(kind)
    members = list(_members(kind))
    if members:
        yield "| member | what it is |\n|---|---|"
        yield from (f"| `{member}` | {about} |" for member, about in members)
        yield ""


def _members(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the public methods and properties of a class, with the first line of each."""
    for name, one in sorted(vars(kind).items()):
        member = one.__func__ if isinstance(one, (classmethod, staticmethod)) else one
        doc = inspect.getdoc(member)
        if name.startswith("_") or not doc:
            continue
        first = doc.split("\n\n")[0].replace("\n", " ")
        shown = first.replace("``", "`").replace("|", "\\|")
        if isinstance(member, (property, cached_property)):
            yield name, shown
        elif isinstance(member, FunctionType):
            signature = _signature(member).replace("|", "\\|")
            yield f"{name}{signature}", shown


class _Written:
    """An annotation as the source has it."""

    def __init__(self, text: object) -> None:
        self._text = str(text)

    def __repr__(self) -> str:
        return self._text


def _signature(one: Any) -> str:
    """Return a signature as it is written, without ``self``."""
    signature = inspect.signature(one)
    kept = [
        found.replace(annotation=_Written(found.annotation))
        for name, found in signature.parameters.items()
        if name not in ("self", "cls")
    ]
    result = signature.return_annotation
    returned = signature.empty if isinstance(one, type) else _Written(result)
    shown = str(signature.replace(parameters=kept, return_annotation=returned))
    return shown.replace(" = <factory>", " = …")


def _code(name: str, one: Any) -> str:
    text = f"{name}{_signature(one)}"
    if len(text) > 88:
        inside, _, result = text.partition("(")[2].rpartition(")")
        lines = "".join(f"    {one},\n" for one in re.split(r", (?![^\[(]*[\])])", inside))
        text = f"{name}(\n{lines}){result}"
    return f"```text\n{text}\n```\n"


def _text(one: Any) -> Iterator[str]:
    """Yield a docstring as Markdown."""
    doc = inspect.getdoc(one) or ""
    pieces = _SECTION.split(doc)
    yield _prose(pieces[0].strip()) + "\n"
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Returns":  # the signature says it
            continue
        yield f"{title}:\n"
        if title == "Examples":
            yield f"```text\n{body.strip()}\n```\n"
        elif title in ("Parameters", "Attributes", "Raises"):
            yield "\n".join(_items(body.strip("\n"))) + "\n"
        else:
            yield _prose(body.strip("\n")) + "\n"


def _prose(text: str) -> str:
    """Return reStructuredText as Markdown, as far as our docstrings use it."""
    return re.sub(
        r"^::\n\n((?: {4}.*(?:\n|\Z))+)",
        lambda found: f"```text\n{inspect.cleandoc(found[1])}\n```",
        text.replace("``", "`"),
        flags=re.MULTILINE,
    )


def _items(body: str) -> Iterator[str]:
    """Yield a list item for each name, with what follows it indented."""
    item = ""
    for line in body.splitlines():
        if line.startswith(" "):
            join = ": " if item.endswith("`") or item.endswith(")") else " "
            item += join + line.strip().replace("``", "`")
            continue
        if item:
            yield item
        name, _, kind = line.partition(" : ")
        shown = ", ".join(f"`{one.strip()}`" for one in name.split(","))
        item = f"- {shown}" + (f" ({kind.replace('``', '`')})" if kind else "")
    if item:
        yield item


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    print(f"wrote {REFERENCE}")
