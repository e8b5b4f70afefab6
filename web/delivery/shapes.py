"""The shapes of what delivery is asked and answers."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from web.delivery.tickets import MAX_FILES
from web.fields import MAX_ID, Asked, Id, parse_id

_Id = Annotated[int, Field(ge=1, le=MAX_ID)]
_ONE = "[1-9][0-9]{0,18}"
Ids = Annotated[
    tuple[_Id, ...],
    BeforeValidator(lambda text: tuple(parse_id(part) for part in text.split(",", MAX_FILES))),
    Field(min_length=1, max_length=MAX_FILES),
    WithJsonSchema({"type": "string", "pattern": f"^{_ONE}(,{_ONE}){{0,{MAX_FILES - 1}}}$"}),
]
TicketText = Annotated[str, Field(max_length=1_500)]


class FileAsked(Asked):
    """Which download's file: by its id or by a ticket for it, never both."""

    history_id: Id | None = None
    ticket: TicketText | None = None


class ArchiveAsked(Asked):
    """Which downloads' files in one archive: by their ids or by a ticket, never both."""

    ids: Annotated[
        Ids | None, Field(description=f"Ids with commas between them, {MAX_FILES} at most.")
    ] = None
    ticket: TicketText | None = None


class FileTicketAsked(Asked):
    """Which download's file a link is wanted for."""

    history_id: _Id


class ArchiveTicketAsked(Asked):
    """Which downloads' files a link to one archive is wanted for."""

    history_ids: Annotated[list[_Id], Field(min_length=1, max_length=MAX_FILES)]


class TicketShown(BaseModel):
    """A link that needs no header, for ``expires_in`` seconds or until the file goes."""

    ticket: str
    url: str
    expires_in: int
