"""The command that opens the portal."""

from __future__ import annotations

import warnings

import click

from cellfolio.cli.command import Answer, command, complete_package


@command("serve", fields={"url": "address of the portal that was stopped"})
@click.argument("what", nargs=-1, metavar="[PACKAGE|FOLDER]...", shell_complete=complete_package)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 for any that is free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen to. If other machines can reach it, every visitor needs the token that "
    "is printed.",
)
@click.option(
    "--name", "names", multiple=True, help="Name by which other machines reach this one; repeat."
)
@click.option("--open", "browse", is_flag=True, help="Open it in the browser, too.")
def serve_command(
    what: tuple[str, ...], port: int | None, host: str, names: tuple[str, ...], browse: bool
) -> Answer:
    """Open the portal: packages, images, tables, plates and profiles in a browser.

    It shows the packages and folders that are named (such as outputs of 'demo', 'profile' or
    'evaluate'), the packages of the local registry and the known data sets, until it is stopped
    by Ctrl-C. It only reads, and only this machine reaches it.
    """
    from cellfolio.storage.home import Home
    from cellfolio.web.serving import Portal, ServeOptions, serve

    url = ""

    def tell(portal: Portal) -> None:
        nonlocal url
        url = portal.url
        click.echo(f"Portal: {portal.url}\nCtrl-C stops it.", err=True)
        if browse:
            import webbrowser

            webbrowser.open(portal.url)

    with warnings.catch_warnings():
        # However many requests meet it: nobody may be reading what a portal says.
        warnings.filterwarnings("once", category=UserWarning)
        serve(what, Home(), ServeOptions(host, port, names), tell)
    return Answer(lambda: {"url": url}, ["The portal is closed."])
