"""Knocks: tries to log in or to register, counted over all processes by Redis.

A knock is counted before its password is judged, so that a thousand at once are a thousand. What
is counted is the last minute, exactly: sorted sets of the knocks by their time. What turns out to
be right is taken back. Source: docs/decisions/0015-accounts.md.
"""

# pyright: reportUnknownMemberType=false, reportGeneralTypeIssues=false
# redis-py types its commands for the blocking and the async client at once.

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

WINDOW_S = 60.0
FAMILIAR = timedelta(days=30)
MAX_FAMILIAR = 20
"""Networks of an account that are remembered; the one that was used longest ago goes first."""

_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """What a knock is counted under, and how many of its kind a minute are let in."""

    key: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """One try.

    Attributes:
        token: Of this knock alone.
        counts: The first holds for everybody, the others for strangers only.
        account: The key under which the account's familiar networks are kept.
        network: Where it comes from; familiar if a knock from there was right within a month.
    """

    token: str
    counts: tuple[Count, ...]
    account: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Whether a knock may be judged.

    Attributes:
        wait_s: Until it may be tried again; 0 if it was counted now.
        is_familiar: Whether the account's password was right from its network within a month.
    """

    wait_s: float
    is_familiar: bool


# The server's clock: those of the nodes need not agree.
# KEYS: the counts, then the account. ARGV: the window in ms, token, network, the most of each.
_ENTER = """
local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local account = table.remove(KEYS)
local familiar = redis.call('ZSCORE', account, ARGV[3]) and 1 or 0
local counted = familiar == 1 and 1 or #KEYS
local wait = 0
for i = 1, counted do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - ARGV[1])
    if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[i + 3]) then
        local oldest = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')[2]
        wait = math.max(wait, oldest + ARGV[1] - now)
    end
end
if wait > 0 then return {wait, familiar} end
for i = 1, counted do
    redis.call('ZADD', KEYS[i], now, ARGV[2])
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return {0, familiar}"""

_TAKE_BACK = "for i = 1, #KEYS - 1 do redis.call('ZREM', KEYS[i], ARGV[1]) end "

# ARGV: token, network, for how long it is familiar in seconds, how many are.
_WELCOME = f"""
{_TAKE_BACK}
local t = redis.call('TIME') local account = KEYS[#KEYS]
redis.call('ZREMRANGEBYSCORE', account, '-inf', t[1] - ARGV[3])
redis.call('ZADD', account, t[1], ARGV[2])
redis.call('ZREMRANGEBYRANK', account, 0, -1 - ARGV[4])
redis.call('EXPIRE', account, ARGV[3])"""


class Knocks:
    """The knocks in Redis. A call raises RedisFault."""

    def __init__(self, redis: Redis) -> None:
        self._enter = redis.register_script(_ENTER)
        self._take_back = redis.register_script(_TAKE_BACK)
        self._welcome = redis.register_script(_WELCOME)

    async def enter(self, knock: Knock) -> Entry:
        """Count a knock, or count nothing and return when it may be tried again."""
        mosts = [count.most for count in knock.counts]
        values = [int(WINDOW_S * 1000), knock.token, knock.network, *mosts]
        wait_ms, is_familiar = cast("list[int]", await self._enter(_keys(knock), values))
        return Entry(wait_s=wait_ms / 1000, is_familiar=bool(is_familiar))

    async def take_back(self, knock: Knock) -> None:
        """Count a knock no more."""
        await self._take_back(_keys(knock), [knock.token])

    async def welcome(self, knock: Knock) -> None:
        """Count a knock no more, and remember that its network is familiar."""
        remembered = [int(FAMILIAR.total_seconds()), MAX_FAMILIAR]
        await self._welcome(_keys(knock), [knock.token, knock.network, *remembered])


class LocalKnocks:
    """The same for this process alone, while Redis is away."""

    def __init__(self) -> None:
        self._counted: dict[str, dict[str, float]] = {}
        self._familiar: dict[str, dict[str, float]] = {}

    def enter(self, knock: Knock, now: float) -> Entry:
        """Count a knock, or count nothing and return when it may be tried again."""
        is_familiar = knock.network in self._familiar.get(knock.account, {})
        counts = knock.counts[:1] if is_familiar else knock.counts
        wait = 0.0
        for count in counts:
            counted = self._lately(count.key, now)
            if len(counted) >= count.most:
                wait = max(wait, min(counted.values()) + WINDOW_S - now)
        if wait > 0:
            return Entry(wait_s=wait, is_familiar=is_familiar)
        for count in counts:
            self._counted.setdefault(count.key, {})[knock.token] = now
        if len(self._counted) > _MANY:
            self._counted = {
                key: lately for key in self._counted if (lately := self._lately(key, now))
            }
        return Entry(wait_s=0, is_familiar=is_familiar)

    def take_back(self, knock: Knock) -> None:
        """Count a knock no more."""
        for count in knock.counts:
            self._counted.get(count.key, {}).pop(knock.token, None)

    def welcome(self, knock: Knock, now: float) -> None:
        """Count a knock no more, and remember that its network is familiar."""
        self.take_back(knock)
        if len(self._familiar) > _MANY:
            self._familiar.clear()
        networks = self._familiar.setdefault(knock.account, {})
        # Last, as the one that was used last.
        networks.pop(knock.network, None)
        networks[knock.network] = now
        while len(networks) > MAX_FAMILIAR:
            networks.pop(next(iter(networks)))

    def _lately(self, key: str, now: float) -> dict[str, float]:
        counted = self._counted.get(key, {})
        return {token: at for token, at in counted.items() if at > now - WINDOW_S}


def _keys(knock: Knock) -> list[str]:
    return [*(count.key for count in knock.counts), knock.account]
