"""The command that prints completion scripts."""

from __future__ import annotations

import click

from cellfolio.cli.command import Answer, command

SHELLS = ("bash", "zsh", "fish")


@command("completion", fields={"shell": "the shell", "script": "the script"})
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(shell: str) -> Answer:
    """Print the script that completes commands on tab.

    \b
    bash:  cellfolio completion bash >> ~/.bashrc
    zsh:   cellfolio completion zsh >> ~/.zshrc
    fish:  cellfolio completion fish > ~/.config/fish/completions/cellfolio.fish
    """  # noqa: D301 - click's mark of a paragraph that is not wrapped
    from click.shell_completion import get_completion_class

    from cellfolio.cli.main import COMPLETE_VARIABLE, PROGRAM, cli

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, PROGRAM, COMPLETE_VARIABLE).source().strip()
    return Answer(lambda: {"shell": shell, "script": script}, [script])
