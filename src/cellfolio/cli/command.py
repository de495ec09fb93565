"""What every command shares: an answer for people and programs, and options of one meaning."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from cellfolio.package.package import Package
    from cellfolio.storage.progress import Progress
    from cellfolio.workflows.opening import Opened
    from cellfolio.workflows.publishing import Label

Function = TypeVar("Function", bound=Callable[..., "Answer"])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found.

    Attributes
    ----------
    document : callable
        Returns what ``--json`` prints; only called for that.
    lines : iterable of str
        What people are shown; only read for that.
    code : int
        Exit code.
    """

    document: Callable[[], Mapping[str, Any]]
    lines: Iterable[str]
    code: int = 0


class AnswerCommand(click.Command):
    """A command that returns an `Answer`, with ``--json``.

    Parameters
    ----------
    fields : mapping of str to str
        What the fields of the JSON document mean; documented, and checked by the tests.
    """

    def __init__(self, *args: Any, fields: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = dict(fields)
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document.")
        )

    def invoke(self, ctx: click.Context) -> None:
        """Call the function and print its answer."""
        as_json = ctx.params.pop("as_json")
        ctx.meta["as_json"] = as_json
        answer: Answer = super().invoke(ctx)
        if as_json:
            click.echo(json.dumps(answer.document(), indent=2))
        else:
            for line in answer.lines:
                click.echo(line)
        ctx.exit(answer.code)


def command(name: str, *, fields: Mapping[str, str]) -> Callable[[Callable[..., Answer]], Any]:
    """Make a function that returns an `Answer` a command."""
    return click.command(name, cls=AnswerCommand, fields=fields)


def terminal_progress() -> Progress | None:
    """Return a progress bar, if a person watches."""
    context = click.get_current_context()
    if context.meta["as_json"] or not sys.stderr.isatty():
        return None
    from cellfolio.cli.progress import show_progress

    bars = show_progress()
    context.call_on_close(bars.close)
    return bars


def complete_package(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the data sets, and the packages of the registry in use; folders for paths."""
    from cellfolio import catalogue, list_packages
    from cellfolio.workflows.opening import is_path

    if incomplete and is_path(incomplete):
        return [CompletionItem(incomplete, type="dir")]
    try:
        registry = ctx.params.get("registry")
        names = list_packages(registry)
        if registry is None:
            names += [one.name for one in catalogue().data_sets]
    except Exception:  # Rule: completion never disturbs the line being typed.
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def package_argument(name: str = "package", *, required: bool = True) -> Callable[[Any], Any]:
    """Return the argument that names a package."""
    metavar = name.upper() if required else f"[{name.upper()}]"
    return click.argument(name, required=required, metavar=metavar, shell_complete=complete_package)


def registry_option(function: Function) -> Function:
    """Add ``-r/--registry``."""
    return click.option(
        "-r",
        "--registry",
        metavar="URI",
        help="Registry (s3://bucket, a folder, or 'local'), if the name does not tell it.",
    )(function)


def selection_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add what images of a plate are selected by; the function gets a mapping of words."""

    @click.option("--batch", metavar="NAME", help="Batch of the plate; needed for some.")
    @click.option("--plate", metavar="BARCODE", help="Plate whose images are wanted.")
    @click.option("--well", metavar="WELLS", help="Wells: A01, A01,B02, A01-B03 (a rectangle), A.")
    @click.option("--site", metavar="SITES", help="Sites: 1, or 1,3-5.")
    @click.option("--channel", metavar="CHANNELS", help="Channels: DNA,ER, 1-5, fluorescence.")
    @functools.wraps(function)
    def selecting(
        batch: str | None,
        plate: str | None,
        well: str | None,
        site: str | None,
        channel: str | None,
        **rest: Any,
    ) -> Answer:
        words = {"batch": batch, "plate": plate, "well": well, "site": site, "channel": channel}
        return function(select={name: word for name, word in words.items() if word}, **rest)

    return selecting


def unverified_option(function: Function) -> Function:
    """Add ``--unverified``."""
    return click.option(
        "--unverified",
        is_flag=True,
        help="Read a manifest that does not match its top hash. Files are still checked.",
    )(function)


def label_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add message, metadata and workflow; the function gets them as a `Label`."""

    @click.option("-m", "--message", metavar="TEXT", help="What this revision is about.")
    @click.option("--meta", metavar="JSON", help="Metadata: a JSON object, or @FILE with one.")
    @click.option(
        "--workflow",
        metavar="NAME",
        help="Workflow of the registry to check with, if not its default; '' for none.",
    )
    @functools.wraps(function)
    def labelled(
        message: str | None, meta: str | None, workflow: str | None, **rest: Any
    ) -> Answer:
        return function(label=read_label(message, meta, workflow), **rest)

    return labelled


def read_label(message: str | None, meta: str | None, workflow: str | None) -> Label:
    """Read what the label options were given."""
    from cellfolio.workflows.publishing import Label

    if workflow is None:
        return Label(message, read_meta(meta))
    return Label(message, read_meta(meta), workflow or None)


def read_meta(text: str | None) -> Mapping[str, Any] | None:
    """Read metadata: a JSON object, or ``@`` and the name of a file with one.

    Raises
    ------
    InvalidArgument
        If it is not a JSON object.
    """
    from pathlib import Path

    from cellfolio.errors import InvalidArgument

    if text is None:
        return None
    try:
        content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        found = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"--meta cannot be read: {error}", hint=_META_HINT) from None
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise InvalidArgument(f"--meta: expected a JSON object, found {kind}", hint=_META_HINT)
    return found


_META_HINT = """give --meta '{"key": "value"}', or --meta @FILE"""


def named_part(opened: Opened) -> Package:
    """Return the part of a package that its reference names."""
    return opened.package.subset(opened.path) if opened.path else opened.package
