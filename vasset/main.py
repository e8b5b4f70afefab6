"""The command line: every command, and how a command ends."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from vasset import accounts, cookies, faults, fleet, limits, ytdlp
from vasset.client import commands as client
from vasset.faults import CommandError
from vasset.options import Data, Json

app = typer.Typer(
    name="vasset",
    help="V-Asset downloads videos: queued, proxied, durable, streamed back.",
    # Ours: one line, whatever happens.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(client.app)
app.add_typer(accounts.app, name="user")
app.add_typer(fleet.app, name="node")
app.add_typer(limits.app, name="limit")
app.add_typer(cookies.app, name="cookies")
app.add_typer(ytdlp.app, name="ytdlp")


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib.metadata import version

        typer.echo(f"vasset {version('vasset')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """V-Asset downloads videos: queued, proxied, durable, streamed back."""


@app.command(short_help="Run all of V-Asset on this machine until Ctrl-C.")
def up(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")
    ] = None,
    *,
    admin: Annotated[bool, typer.Option("--admin/--no-admin", hidden=True)] = True,
) -> None:
    """Run all of V-Asset on this machine until Ctrl-C; nothing else needs to be installed.

    A URL that is set for the database, redis or broker replaces that embedded part. What the
    parts log stands in DATA/logs; here their warnings are shown, or everything with
    VASSET_LOG__FORMAT=json.

    Example: vasset up --data /srv/vasset --port 9000
    """
    from vasset import configured, datadir
    from vasset import up as whole

    given = {"host": host, "port": port}
    server = {key: value for key, value in given.items() if value is not None}
    settings = configured.loaded(overrides={"server": server})
    raise typer.Exit(whole.up(datadir.choose(data), settings, makes_admin=admin))


@app.command()
def web() -> None:
    """Run one web process of a fleet.

    Example: VASSET_SETTINGS=/etc/vasset.toml vasset web
    """
    from vasset import configured

    settings = configured.of_a_fleet("web", secret=True)
    from web.transport import serve

    raise typer.Exit(_of_a_part(lambda: serve.serve(settings)))


@app.command()
def worker() -> None:
    """Run the worker of one storage node of a fleet.

    Example: VASSET_SETTINGS=/etc/vasset.toml vasset worker
    """
    from vasset import configured

    settings = configured.of_a_fleet("worker")
    from actors import main

    raise typer.Exit(_of_a_part(lambda: main.run_worker(settings)))


@app.command()
def scheduler() -> None:
    """Run a scheduler of a fleet; two may run.

    Example: VASSET_SETTINGS=/etc/vasset.toml vasset scheduler
    """
    from vasset import configured

    settings = configured.of_a_fleet("scheduler")
    from actors import schedule

    raise typer.Exit(_of_a_part(lambda: schedule.run_scheduler(settings)))


@app.command(short_help="Bring the database up to this version's schema.")
def migrate() -> None:
    """Bring the database up to this version's schema; safe to run again, and while all runs.

    Large indexes are built beside the writers, which may take minutes; it tells how far it is.

    Example: VASSET_SETTINGS=/etc/vasset.toml vasset migrate
    """
    import asyncio

    from vasset import configured, schema

    settings = configured.of_a_fleet("migrate")
    database = settings.database
    asyncio.run(schema.migrate(database.url.get_secret_value(), typer.echo, database.pooler))
    typer.echo("The schema is up to date.")


@app.command(short_help="Say for each part whether it works, and how to mend it.")
def doctor(data: Data = None, *, json: Json = False) -> None:
    """Say for each part whether it works, and how to mend it; exit status 1 if one does not.

    With a running `vasset up` it looks at that one, by its data directory.

    Example: vasset doctor
    """
    from vasset import configured
    from vasset import doctor as examination

    idle = configured.idle(data)
    findings = (
        examination.examine(configured.of_anything(data))
        if idle is None
        else examination.examine_idle(configured.loaded(), idle)
    )
    typer.echo(examination.as_json(findings) if json else examination.as_lines(findings))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command(short_help="Read this node's archive and compare the digests.")
def scrub(
    data: Data = None,
    rate: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="MIB_PER_S", help="How fast to read.", show_default="the setting"
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what was read lately.")] = False,
    json: Json = False,
) -> None:
    """Read archived files of this node and compare their digests; exit status 1 if one is not well.

    It reads what has not been read for storage.scrub_every_d days, and what was found faulty
    before. What it finds is marked: a faulty file is not delivered until a scrub, or its return,
    makes it well again. The worker does the same by itself, little by little.

    Example: vasset scrub --all --rate 50
    """
    from vasset import scrub as reading

    wanted = reading.Wanted(rate_mib_s=rate, is_all=everything, is_json=json)
    raise typer.Exit(reading.scrub(data, wanted))


@app.command()
def audit(
    data: Data = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL", help="By or about whom.")] = None,
    action: Annotated[str | None, typer.Option(help="What was done, such as `login`.")] = None,
    history_id: Annotated[int | None, typer.Option("--download", help="Of one download.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    *,
    json: Json = False,
) -> None:
    """Show who did what, to which account or download, and when.

    Example: vasset audit --user ada@example.org --action cancel
    """
    from vasset import audit as trail

    asked = trail.Asked(email=user, action=action, history_id=history_id, limit=limit)
    trail.show(data, asked, as_json=json)


def _of_a_part(run: Callable[[], int]) -> int:
    """Run a part and return its exit status: ``AWAY`` if it could not reach the database."""
    from storage.db import DatabaseError

    try:
        return run()
    except DatabaseError as error:
        faults.say(faults.explain(error))
        return faults.AWAY


def run() -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 asked wrongly."""
    sys.excepthook = faults.say_unforeseen
    sys.exit(_status())


def _status() -> int:
    try:
        words = sys.argv[1:] or ["--help"]
        return app(words, prog_name="vasset", standalone_mode=False) or 0
    except CommandError as error:
        faults.say(str(error))
    except typer.TyperException as error:
        faults.say(f"{error.format_message()} (see --help)")
        return error.exit_code
    except typer.Abort:
        faults.say("stopped")
    # Evaluated when something was raised: importing these first would slow every command.
    except _foreseen() as error:
        faults.say(faults.explain(error))
    return 1


def _foreseen() -> tuple[type[Exception], ...]:
    """Return what may reach a command from the rooms below."""
    from actors.broker import BrokerFault
    from gateways.ytdlp.sandbox import SandboxMissingError
    from gateways.ytdlp.versions import YtdlpTooOldError
    from runtime.settings_layers import SettingsError
    from storage.db import DatabaseError
    from storage.files import RootMissingError

    return (
        SettingsError,
        DatabaseError,
        RootMissingError,
        SandboxMissingError,
        YtdlpTooOldError,
        *BrokerFault,
    )


if __name__ == "__main__":
    run()
