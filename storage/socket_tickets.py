"""Tickets for sockets in Redis: each opens one socket, once, within seconds."""

# pyright: reportUnknownMemberType=false
# redis-py types its commands for the blocking and the async client at once.

import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import cast

from redis.asyncio import Redis

from storage.users import hash_of

TTL_S = 30

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a caller showed, without the secret: enough to ask again whether it still holds.

    Attributes:
        version: The account's ``token_version`` in an access token; 0 for a key.
        ends_at: When the access token ends, in seconds since 1970; 0 for a key.
        key_id: Of the personal API key, or None.
    """

    user_id: int
    version: int = 0
    ends_at: int = 0
    key_id: int | None = None


class SocketTickets:
    """Gives and takes tickets. A call raises RedisFault."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def give(self, proof: Proof) -> str:
        """Return a new ticket; Redis keeps its hash, with what its owner showed."""
        ticket = secrets.token_urlsafe(32)
        await self._redis.set(_key(ticket), json.dumps(asdict(proof)), ex=TTL_S)
        return ticket

    async def take(self, ticket: str) -> Proof | None:
        """Return what the owner of a ticket showed; None if it is none, over, or used before."""
        if _FORM.fullmatch(ticket) is None:
            return None
        kept = cast("str | None", await self._redis.getdel(_key(ticket)))
        return None if kept is None else Proof(**json.loads(kept))


def _key(ticket: str) -> str:
    return f"vasset:socket-ticket:{hash_of(ticket)}"
