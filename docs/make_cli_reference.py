"""Write ``docs/reference/cli.md`` from the commands themselves.

Run it from the checkout after a change of the command line::

    python -m docs.make_cli_reference
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cellfolio.cli.command import AnswerCommand
from cellfolio.cli.failures import EXIT_CODES, MEANINGS
from cellfolio.cli.main import PROGRAM, SECTIONS, cli

REFERENCE = Path(__file__).parent / "reference" / "cli.md"

_START = """\
# Command line

<!-- Made by docs/make_cli_reference.py; change the commands, not this file. -->

Every command takes `--json` and then prints one JSON document, and nothing else, on standard
output. Its fields are listed below; they keep their names and meanings. Sizes are in bytes, hashes
are whole. Progress, notes and errors go to standard error; with `--json`, errors and notes are
JSON too: `error` (its class), `message`, `hint`, `exit_code`, or `note`.

Progress bars are drawn on terminals only. Colours are used on terminals only, and not where
`NO_COLOR` is set. `CELLFOLIO_HOME` names the folder of the store and the local registry.
"""


def reference() -> str:
    """Return the text of the reference."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    root = click.Context(cli, info_name=PROGRAM, terminal_width=80)
    yield _START
    yield _block(cli.get_help(root))
    yield "## Exit codes\n"
    yield "| code | meaning | errors |\n|---|---|---|"
    for code, meaning in MEANINGS.items():
        errors = ", ".join(f"`{kind.__name__}`" for kind, one in EXIT_CODES.items() if one == code)
        yield f"| {code} | {meaning} | {errors} |"
    yield "\nErrors below one of these in the tree have its code. `TransferIncomplete` gives 5"
    yield "where every file that failed was damaged, else 6.\n"
    for section, names in SECTIONS.items():
        yield f"## {section}\n"
        for name in names:
            yield from _command(name, root)


def _command(name: str, root: click.Context) -> Iterator[str]:
    command = cli.get_command(root, name)
    assert isinstance(command, AnswerCommand)
    yield f"### {PROGRAM} {name}\n"
    yield _block(command.get_help(click.Context(command, info_name=name, parent=root)))
    yield "| field of `--json` | meaning |\n|---|---|"
    for field, meaning in command.fields.items():
        yield f"| `{field}` | {meaning} |"
    yield ""


def _block(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```text\n{lines}\n```\n"


if __name__ == "__main__":
    REFERENCE.parent.mkdir(parents=True, exist_ok=True)
    REFERENCE.write_text(reference(), encoding="utf-8")
    print(f"wrote {REFERENCE}")
