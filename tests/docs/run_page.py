"""Runs the blocks of one page, in a process of its own: a reader who types all of them in order.

Reads JSON from standard input: ``blocks`` (language, text, line), ``aliases`` (what paths of this
run are called in the documentation) and ``varying`` (whether hashes and sizes depend on the
machine). Prints the failures as a JSON list of texts.

A ``console`` block has commands after ``$ ``, and under each what it prints. A line ``…`` stands
for any number of lines, and ``…`` within a line for any text. A command must end with exit code
0, unless the next one is ``echo $?``. The working directory and exported variables last until the
end of the page, and so do the names of Python blocks.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARK = "\x1e"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_HASH = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{12}\b")
_SIZE = re.compile(r"\b\d+(?:\.\d+)? [kMG]?B\b")
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Normal:
    """Makes what a run printed comparable with what a page shows."""

    aliases: Mapping[str, str]
    varying: bool

    def __call__(self, text: str) -> str:
        for path, alias in self.aliases.items():
            text = text.replace(path, alias)
        text = _TIME.sub("TIME", text)
        if self.varying:
            text = _SIZE.sub("SIZE", _HASH.sub("HASH", text))
            text = re.sub(r"[ ]+", " ", text)
        return text

    def matches(self, shown: str, found: str) -> bool:
        """Whether a page shows what was found."""
        lines = [line.rstrip() for line in self(found).strip("\n").split("\n")]
        pattern = ""
        for line in self(shown).strip("\n").split("\n"):
            if line.strip() == "…":
                pattern += r"(?:[^\n]*\n)*?"
            else:
                pattern += r"[^\n]*".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
        return re.fullmatch(pattern, "\n".join(lines) + "\n") is not None


class _Checker(doctest.OutputChecker):
    def __init__(self, normal: Normal) -> None:
        self._normal = normal

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(self._normal(want), self._normal(got), optionflags)


def run(data: dict[str, Any]) -> Iterator[str]:
    """Run the blocks; yield what went wrong."""
    names: dict[str, Any] = {"__name__": "__main__"}
    normal = Normal(data["aliases"], data["varying"])
    for block in data["blocks"]:
        text, line = block["text"], block["line"]
        match block["language"]:
            case "python":
                yield from _python(text, line, names)
            case "pycon":
                yield from _pycon(text, line, names, normal)
            case "sh":
                yield from _shell([(one, None) for one in _lines(text)], line, normal)
            case "console":
                yield from _shell(list(_commands(text)), line, normal)


def _python(text: str, line: int, names: dict[str, Any]) -> Iterator[str]:
    try:
        exec(compile("\n" * line + text, "page", "exec"), names)
    except Exception:
        yield f"line {line}: {traceback.format_exc()}"


def _pycon(text: str, line: int, names: dict[str, Any], normal: Normal) -> Iterator[str]:
    test = doctest.DocTestParser().get_doctest(text, names, "page", None, line)
    printed: list[str] = []
    runner = doctest.DocTestRunner(_Checker(normal), verbose=False, optionflags=_FLAGS)
    runner.run(test, out=printed.append, clear_globs=False)
    names.update(test.globs)
    if runner.failures:
        yield f"line {line}: {''.join(printed)}"


def _lines(text: str) -> list[str]:
    """Return the commands of a block, one a line; a line may go on after ``\\``."""
    return [line for line in re.split(r"(?<!\\)\n", text) if line and line[0] != "#"]


def _commands(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each command of a console block and what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        count = next(number for number, one in enumerate(lines, 1) if not one.endswith("\\"))
        yield "\n".join(lines[:count]), "\n".join(lines[count:])


def _shell(commands: list[tuple[str, str | None]], line: int, normal: Normal) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        after = Path(scratch, "after")
        script = "mark() { local code=$?; printf '%s%s\\n' \x1e $code; return $code; }\n"
        script += "".join(f"{command}\nmark\n" for command, _ in commands)
        script += f"{{ pwd; env -0; }} > '{after}'\n"
        done = subprocess.run(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        _take_over(after)
    found = re.findall(rf"(.*?){_MARK}(\d+)\n", done.stdout, flags=re.DOTALL)
    if len(found) != len(commands):
        yield f"line {line}: the shell ended early\n{done.stdout}"
        return
    for number, ((command, shown), (printed, code)) in enumerate(zip(commands, found, strict=True)):
        told = number + 1 < len(commands) and commands[number + 1][0] == "echo $?"
        if code != "0" and not told:
            yield f"line {line}: exit code {code} of: {command}\n{printed}"
        elif shown is not None and not normal.matches(shown, printed):
            yield f"line {line}: {command}\nshown:\n{shown}\nfound:\n{normal(printed)}"


def _take_over(after: Path) -> None:
    """Go on where the shell ended, with what it exported."""
    if not after.exists():
        return
    folder, _, variables = after.read_text(encoding="utf-8").partition("\n")
    os.environ.clear()
    os.environ.update(dict(one.split("=", 1) for one in variables.rstrip("\0").split("\0")))
    os.chdir(folder)


def main() -> None:
    """Run the page that standard input describes."""
    data = json.load(sys.stdin)
    os.chdir(data["folder"])
    answer = os.dup(1)
    os.dup2(2, 1)  # what the blocks print is not the answer
    failures = list(run(data))
    os.write(answer, json.dumps(failures).encode())


if __name__ == "__main__":
    main()
