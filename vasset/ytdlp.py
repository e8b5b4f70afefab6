"""The commands of `vasset ytdlp`: which version this node uses, a newer one, the one before."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasset.faults import CommandError
from vasset.options import Data, Json

Wanted = Annotated[
    str | None, typer.Option("--version", help="The version to install; the newest if not given.")
]
Canary = Annotated[
    str | None, typer.Option(help="A video to try it on, besides the one that we make ourselves.")
]

if TYPE_CHECKING:
    from gateways.ytdlp.versions import Versions

app = typer.Typer(help="yt-dlp on this node: status, upgrade, rollback.")


@app.command(short_help="Say which versions are here, and which is used.")
def status(data: Data = None, *, json: Json = False) -> None:
    """Say which versions are installed here and which one downloads use.

    Example: vasset ytdlp status
    """
    from gateways.ytdlp.versions import FLOOR

    versions = _versions(data)
    current, previous = versions.current(), versions.previous()
    rows = [
        {
            "version": one.number,
            "bundled": one.folder is None,
            "current": one == current,
            "previous": one == previous,
        }
        for one in versions.all()
    ]
    if json:
        typer.echo(json_module.dumps({"floor": ".".join(map(str, FLOOR)), "versions": rows}))
        return
    for row in rows:
        words = [word for word in ("current", "previous", "bundled") if row[word]]
        typer.echo(f"{row['version']:<16}  {', '.join(words)}".rstrip())


@app.command(short_help="Install another version, try it, and use it.")
def upgrade(data: Data = None, *, version: Wanted = None, canary: Canary = None) -> None:
    """Install a version beside the running one, try it, and have new downloads use it.

    Nothing is restarted: what runs ends with the version that it began with. On a fleet, run it on
    each node.

    Example: vasset ytdlp upgrade
    """
    from vasset import canary as trial
    from vasset import configured

    versions = _versions(data)
    settings = configured.of_anything(data)
    installed = trial.install(versions, version)
    trial.try_out(settings, installed, canary)
    versions.use(installed)
    typer.echo(f"New downloads use yt-dlp {installed.number}.")


@app.command()
def rollback(data: Data = None) -> None:
    """Have new downloads use the version from before the last switch.

    Example: vasset ytdlp rollback
    """
    versions = _versions(data)
    previous = versions.previous()
    if previous is None:
        message = "there is no version to go back to: see `vasset ytdlp status`"
        raise CommandError(message)
    if not previous.is_sound:
        message = f"yt-dlp {previous.number} has known holes and is not used any more"
        raise CommandError(message)
    versions.use(previous)
    typer.echo(f"New downloads use yt-dlp {previous.number}.")


def _versions(data: Path | None) -> "Versions":
    from gateways.ytdlp.versions import Versions
    from vasset import configured

    return Versions(configured.of_anything(data).storage.root)
