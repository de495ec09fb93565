"""Write ``docs/man/cellfolio.1``, the manual page, from the commands themselves.

Run it from the checkout after a change of the command line::

    python -m docs.make_man_page
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from cellfolio.cli.failures import MEANINGS
from cellfolio.cli.main import PROGRAM, SECTIONS, cli

PAGE = Path(__file__).parent / "man" / f"{PROGRAM}.1"
_ENVIRONMENT = {
    "CELLFOLIO_HOME": "Folder of the store and of the local registry.",
    "CELLFOLIO_CATALOGUE": "More catalogues: paths or URLs, with white space between them.",
    "CELLFOLIO_MIRROR": "Where public addresses are read from instead.",
    "NO_COLOR": "No colours.",
}


def man_page() -> str:
    """Return the manual page as troff with the macros of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield '.\\" Made by docs/make_man_page.py; change the commands, not this file.'
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM}" "User commands"'
    yield ".SH NAME"
    yield f"{PROGRAM} \\- find, get, verify, measure, evaluate and publish open cell data"
    yield ".SH SYNOPSIS"
    yield f".B {PROGRAM}\n.I COMMAND\n.RI [ OPTIONS ]\n.RI [ ARGUMENTS ]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(inspect.getdoc(cli.callback) or "")
    yield ".SH COMMANDS"
    root = click.Context(cli, info_name=PROGRAM)
    for section, names in SECTIONS.items():
        yield f".SS {_text(section)}"
        for name in names:
            command = cli.get_command(root, name)
            assert command is not None
            yield from _command(name, command, root)
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield f".TP\n.B {code}\n{_text(meaning)}"
    yield ".SH ENVIRONMENT"
    for name, meaning in _ENVIRONMENT.items():
        yield f".TP\n.B {name}\n{_text(meaning)}"


def _command(name: str, command: click.Command, root: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=root)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".TP\n.B {PROGRAM} {_text(name)} {_text(usage)}"
    yield from _paragraphs(inspect.cleandoc(command.help or ""), inside=True)
    yield ".RS"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield f".TP\n.B {_text(record[0])}\n{_text(' '.join(record[1].split()))}"
    yield ".RE"


def _paragraphs(text: str, *, inside: bool = False) -> Iterator[str]:
    """Yield paragraphs; one after click's mark is not filled."""
    first = True
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if not first:
            yield ".IP" if inside else ".PP"
        first = False
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            yield ".nf"
            yield from (_text(line) for line in lines[1:])
            yield ".fi"
        else:
            yield _text(" ".join(line.strip() for line in lines))


def _text(text: str) -> str:
    r"""Return text that means nothing to troff.

    Examples
    --------
    >>> _text(r".a\b--json")
    '\\&.a\\eb\\-\\-json'
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(man_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
