"""Administration: what only administrators see."""

from quart import Blueprint, Response

from storage.exits import ACQUIRED
from web.accounts.callers import admin
from web.admin.proxy_shapes import ExitShown, ProxiesShown, ProxyOutcomeShown
from web.front import front
from web.openapi.operations import Operation, operation
from web.views import answer

MAX_EXITS = 500

blueprint = Blueprint("administration", __name__, url_prefix="/admin")


@blueprint.get("/proxies")
@operation(Operation(tag="administration", answers={200: ProxiesShown}, problems=(403,)))
async def proxies() -> Response:
    """Return what the proxy providers did so far, over all nodes, and how the exits do."""
    await admin()
    exits = front().services.exits
    outcomes = [ProxyOutcomeShown(**row) for row in await exits.counts()]
    acquired = [outcome for outcome in outcomes if outcome.outcome == ACQUIRED]
    return answer(
        ProxiesShown(
            provider=front().settings.proxy.provider,
            acquisitions=sum(outcome.number for outcome in acquired),
            failures=sum(outcome.number for outcome in outcomes if outcome not in acquired),
            cost=sum(outcome.cost for outcome in outcomes),
            outcomes=outcomes,
            exits=[ExitShown(**row) for row in await exits.all(MAX_EXITS)],
        )
    )
