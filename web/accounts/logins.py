"""Logins: how often a password may be tried, so that nobody guesses and nobody is locked out."""

import hmac
import secrets
from asyncio import timeout
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from time import monotonic

from runtime import logs
from runtime.settings import Auth
from storage.db import DatabaseError
from storage.knocks import Count, Entry, Knock, Knocks, LocalKnocks
from storage.redis_door import RedisFault
from storage.users import canonical_email
from web.accounts.fair_queue import Origin
from web.accounts.passwords import BusyError
from web.problems import TooManyError

STRANGERS = 20
"""So many times the account's limit are let in altogether from networks that are not familiar."""

REDIS_TIMEOUT_S = 0.5
AWAY_S = 5.0
"""For so long Redis is left alone when it did not answer; the process counts alone."""

_log = logs.get("web.accounts.logins")


class Refusal(StrEnum):
    """Why a password opened nothing."""

    WRONG = "wrong"
    LIMITED = "limited"
    BUSY = "busy"


class Logins:
    """Counts knocks and refuses them; alone while Redis is away.

    Three counts of a minute: of an account from one network, which holds for everybody; of a
    network, and of an account from all networks, which hold where nobody has logged in to that
    account from. So those who hammer an account shut neither out its owner at a known place nor,
    unless they are many, at a new one. Source: docs/decisions/0015-accounts.md.
    """

    def __init__(self, knocks: Knocks, limits: Auth) -> None:
        self._knocks = knocks
        self._limits = limits
        self._local = LocalKnocks()
        self._away_until = 0.0
        self.refused: Counter[Refusal] = Counter(dict.fromkeys(Refusal, 0))
        """How often this process refused a password, for the metrics."""

    @asynccontextmanager
    async def knock(self, email: str, address: str | None) -> AsyncGenerator[tuple[Knock, Origin]]:
        """Let a password be judged; the knock counts as wrong until it is welcomed.

        Yields the knock and where it comes from.

        Raises:
            TooManyError: It is not to be judged now.
        """
        knock = self._knock(canonical_email(email), address)
        try:
            origin = await self._enter(knock)
        except TooManyError:
            self.refused[Refusal.LIMITED] += 1
            raise
        try:
            yield knock, origin
        except (DatabaseError, BusyError) as error:
            self.refused[Refusal.BUSY] += isinstance(error, BusyError)
            # Nothing was judged. But who hangs up meanwhile has had a try.
            self._local.take_back(knock)
            await self._tell(self._knocks.take_back, knock)
            raise

    async def welcome(self, knock: Knock) -> None:
        """Count a knock no more: the password was right; its network is familiar from now on."""
        self._local.welcome(knock, monotonic())
        await self._tell(self._knocks.welcome, knock)

    async def register(self, address: str | None) -> Origin:
        """Count a registration and return where it comes from.

        Raises:
            TooManyError: There are too many from this network.
        """
        network = self._hidden("network", network_of(address))
        count = Count(f"{network}:registered", self._limits.registrations_per_address)
        await self._enter(
            Knock(token=secrets.token_hex(8), counts=(count,), account=f"{network}:-", network="-")
        )
        return Origin(network=network.rpartition(":")[2])

    def _knock(self, email: str, address: str | None) -> Knock:
        account = self._hidden("account", email)
        network = self._hidden("network", network_of(address))
        most = self._limits.login_attempts_per_account
        return Knock(
            token=secrets.token_hex(8),
            counts=(
                Count(f"{account}:{network.rpartition(':')[2]}", most),
                Count(network, self._limits.login_attempts_per_address),
                Count(account, most * STRANGERS),
            ),
            account=f"{account}:familiar",
            network=network.rpartition(":")[2],
        )

    def _hidden(self, kind: str, text: str) -> str:
        """Return a key from which nobody who reads Redis learns who knocks, and where."""
        secret = self._limits.secret.get_secret_value().encode()
        digest = hmac.digest(secret, f"knocks:{kind}:{text}".encode(), "sha256")
        return f"vasset:knocks:{kind}:{digest[:16].hex()}"

    async def _enter(self, knock: Knock) -> Origin:
        entry = await self._entry(knock)
        if entry.wait_s > 0:
            raise TooManyError(entry.wait_s, "Too many tries; wait a little.")
        return Origin(network=knock.network, is_known=entry.is_familiar)

    async def _entry(self, knock: Knock) -> Entry:
        if monotonic() >= self._away_until:
            try:
                async with timeout(REDIS_TIMEOUT_S):
                    return await self._knocks.enter(knock)
            except (*RedisFault, TimeoutError) as error:
                self._away(error)
        return self._local.enter(knock, monotonic())

    async def _tell(self, tell: Callable[[Knock], Awaitable[None]], knock: Knock) -> None:
        """Let Redis know; what it does not hear counts there for a minute."""
        if monotonic() < self._away_until:
            return
        try:
            async with timeout(REDIS_TIMEOUT_S):
                await tell(knock)
        except (*RedisFault, TimeoutError) as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._away_until = monotonic() + AWAY_S
        _log.warning(
            "logins_counted_alone",
            error=type(error).__name__,
            advice="check Redis; until it is back each web process counts its own logins",
        )


def network_of(address: str | None) -> str:
    """Return what a client cannot easily change of its address: all of IPv4, /64 of IPv6."""
    try:
        known = ip_address(address or "")
    except ValueError:
        # A Unix socket has none. What a trusted proxy passes on need not be one, and a client that
        # may write it would have as many networks as there are words.
        return ""
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> 64 << 64)}/64"
