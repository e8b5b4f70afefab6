"""The commands of `vasset node`: storage nodes."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vasset.faults import CommandError
from vasset.options import Data, Json

Name = Annotated[str, typer.Argument(metavar="NAME", help="The node, as `vasset node list` says.")]

app = typer.Typer(help="Storage nodes: list, drain, undrain, adopt.")


@app.command("list")
def list_(data: Data = None, *, json: Json = False) -> None:
    """List the nodes.

    Example: vasset node list --json
    """
    from storage.nodes import Nodes
    from vasset.asking import ask_database

    rows = ask_database(data, lambda db: Nodes(db).all())
    if json:
        typer.echo(json_module.dumps([dict(row) for row in rows], default=str))
        return
    for row in rows:
        alive = "alive" if row["alive"] else "silent"
        drain = "draining" if row["draining"] else ""
        told = f"{row['node']:<24}  {alive:<6}  {row['running']:>4} running"
        told += f"  sandbox {row['sandbox'] or 'unknown':<8}  {_room(row)}"
        typer.echo(f"{told}  {drain}".rstrip())


def _room(row: Mapping[str, Any]) -> str:
    """Return how many bytes a node may still take, and how many are reserved there."""
    if row["room_bytes"] is None:
        return "room unknown"
    return (
        f"room {row['room_bytes'] / 1e9:.1f} GB beside {row['reserved_bytes'] / 1e9:.1f} reserved"
    )


@app.command()
def drain(name: Name, data: Data = None) -> None:
    """Let a node finish what it has and take nothing new.

    Example: vasset node drain node-2
    """
    _set_draining(data, name, draining=True)
    typer.echo(f"{name} takes nothing new.")


@app.command()
def undrain(name: Name, data: Data = None) -> None:
    """Let a node take downloads again.

    Example: vasset node undrain node-2
    """
    _set_draining(data, name, draining=False)
    typer.echo(f"{name} takes downloads again.")


@app.command()
def adopt(name: Name, data: Data = None) -> None:
    """Let a node take an empty root at its next start: its disk is new.

    A node that has worked before refuses a root without its marker: mostly the disk is not mounted.

    Example: vasset node adopt node-2
    """
    from storage.nodes import Nodes
    from vasset.asking import ask_database

    if not ask_database(data, lambda db: Nodes(db).set_adopts(name, adopts=True)):
        message = f"there is no node {name}: see `vasset node list`"
        raise CommandError(message)
    typer.echo(
        f"At its next start {name} accepts the root it finds; files of its old root are missing."
    )


def _set_draining(data: Path | None, name: str, *, draining: bool) -> None:
    from storage.nodes import Nodes
    from vasset.asking import ask_database

    if not ask_database(data, lambda db: Nodes(db).set_draining(name, draining=draining)):
        message = f"there is no node {name}: see `vasset node list`"
        raise CommandError(message)
