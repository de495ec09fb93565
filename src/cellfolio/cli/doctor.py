"""The command that tells what is wrong, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import columns, paint, plural, printable

if TYPE_CHECKING:
    from cellfolio.workflows.diagnosis import Finding

_SIGNS = {"good": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}


@command(
    "doctor",
    fields={
        "sound": "whether nothing is wrong",
        "findings": "what was looked at, in order; each with `subject`, `state` (good, note or "
        "bad), `told` and `mend`",
    },
)
@click.option("--offline", is_flag=True, help="Ask no place of a data set.")
def doctor_command(offline: bool) -> Answer:
    """Tell what is wrong with this installation, and how to mend it.

    It looks at libraries, environment, home, store, compiled code, catalogues and network. Nothing
    is changed. Exits with 1 if something is wrong.
    """
    from cellfolio.storage.home import Home
    from cellfolio.workflows.diagnosis import diagnose

    findings = list(diagnose(Home(), network=not offline))
    wrong = [one for one in findings if one.state == "bad"]
    return Answer(
        lambda: {
            "sound": not wrong,
            "findings": [
                {"subject": one.subject, "state": one.state, "told": one.told, "mend": one.mend}
                for one in findings
            ],
        },
        _lines(findings, len(wrong)),
        DIFFERENT * bool(wrong),
    )


def _lines(findings: Sequence[Finding], wrong: int) -> Iterator[str]:
    rows = [(printable(one.subject), printable(one.told)) for one in findings]
    for one, line in zip(findings, columns(rows, "<<"), strict=True):
        sign, style = _SIGNS[one.state]
        yield f"{paint(sign, style)} {line}"
        if one.mend and one.state != "good":
            yield paint(f"    → {printable(one.mend)}", "dim")
    yield ""
    told = "Nothing is wrong." if not wrong else f"{plural(wrong, 'thing')} to mend."
    yield paint(told, "bold")
