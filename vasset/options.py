"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        envvar="VASSET_DATA",
        show_default="~/.local/share/vasset",
        help="Data directory of `vasset up`.",
        file_okay=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input."),
]
