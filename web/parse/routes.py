"""Parse: what is at an address, before anything is fetched from it."""

from quart import Blueprint, Response

from domain.keys import Scope
from web.accounts.callers import caller
from web.bodies import read
from web.openapi.operations import Operation, operation
from web.parse.looks import found_at
from web.parse.shapes import ParseAsked, ParsedShown
from web.views import answer

blueprint = Blueprint("parse", __name__)


@blueprint.post("/parse")
@operation(Operation(tag="downloads", body=ParseAsked, answers={200: ParsedShown}, problems=(429,)))
async def parse() -> Response:
    """Return what a site says of an address, and its picture made small. No video is fetched."""
    user = await caller(Scope.SUBMIT)
    asked = await read(ParseAsked)
    told = await found_at(asked.url, user.user_id, refresh=asked.refresh)
    return answer(ParsedShown.model_validate(told, from_attributes=True))
