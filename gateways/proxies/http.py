"""The provider ``http``: a third party's API that rents out one proxy at each call."""

import asyncio
import uuid
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from jmespath.exceptions import JMESPathError

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError, SourceTroubleError
from gateways.egress.judge import Judge
from gateways.proxies.answers import AnswerForm, parse_answer
from gateways.proxies.provider import BAD_ANSWER, Need, is_port_of_a_proxy
from gateways.retry_after import parse_retry_after

MAX_ANSWER_BYTES = 65_536
"""An answer is one address; more is a fault of the provider. Source: reliability row PX-2."""

MAX_COOLING_ANSWERS = 3
"""How often it is asked again when it rents out an exit that cools down."""

LONGEST_ANSWER = timedelta(seconds=60)
"""How long an answer is read for which nobody waits any more, so that its lease is given back."""

_TOO_MANY = 429

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTerms:
    """How a third party wants to be asked.

    Attributes:
        endpoint: Its address; ``{history_id}``, ``{site}`` and ``{request_id}`` are filled in.
        release: A method and an address with ``{history_id}``, ``{exit}`` and ``{request_id}``,
            such as ``DELETE https://api.example/leases/{exit}``; empty if nothing is given back.
        key_in: ``bearer``, ``header:NAME`` or ``query:NAME``.
        api_key: A secret.
        timeout: For connect, read and parse together, as far as the asker waits for them.
    """

    endpoint: str
    release: str
    key_in: str
    api_key: str
    timeout: timedelta
    form: AnswerForm


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One request for a proxy.

    Attributes:
        request_id: Names it to the third party, if the addresses of the settings have a place.
    """

    history_id: int
    site: str
    request_id: str


class _NothingRentedError(ProxyUnavailableError):
    """The third party refused, or was not reached."""


class HttpProvider:
    """Asks ``GET endpoint``; what it answers is judged like an address of a user.

    A request is read to its end, whoever waits for it: a proxy that comes too late, or that is not
    to be used, is given back. So is an answer that cannot be read, if the release can be asked for
    without the exit's name.
    """

    def __init__(self, terms: HttpTerms, judge: Judge) -> None:
        """Check the terms now, so that a wrong one stops the start.

        Raises:
            ValueError: One of them cannot be.
        """
        for address in (terms.endpoint, terms.release.partition(" ")[2]):
            if address and not address.startswith(("http://", "https://")):
                message = "proxy.endpoint and proxy.release must be http or https addresses"
                raise ValueError(message)
        if not terms.endpoint:
            message = "proxy.endpoint is empty although proxy.provider is 'http'"
            raise ValueError(message)
        self._terms = terms
        self._judge = judge
        place, _, name = terms.key_in.partition(":")
        if place not in ("bearer", "header", "query") or (place != "bearer") != bool(name):
            message = "proxy.key_in must be bearer, header:NAME or query:NAME"
            raise ValueError(message)
        key = terms.api_key
        bearer = {"Authorization": f"Bearer {key}"} if place == "bearer" and key else {}
        self._query = {name: key} if place == "query" else {}
        self._under_way: set[asyncio.Task[Any]] = set()
        # Redirects stay off: the answer of a stranger must not choose whom we call (PX-5).
        # trust_env off: a proxy of the machine's environment is not ours to use.
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity", **bearer}
            | ({name: key} if place == "header" else {}),
            follow_redirects=False,
            trust_env=False,
        )

    async def acquire(self, need: Need) -> ProxyLease:
        """Return the proxy that the provider answers with.

        Raises:
            ProxyUnavailableError: Connect, read and parse took longer than the timeout together,
                the answer is not one address of a proxy, or one that may not be reached.
        """
        for _ in range(MAX_COOLING_ANSWERS):
            lease = await self._rent_in_time(need)
            if lease.exit_name not in need.cooling:
                return lease
            await self.release(lease, need.history_id)
        message = "The proxy provider rents out nothing but exits that failed lately."
        raise ProxyUnavailableError(message, reason="exits_cooling")

    def standing(self, exit_name: str) -> ProxyLease | None:
        """Return None: each of them is rented."""
        del exit_name

    async def release(self, lease: ProxyLease, history_id: int) -> None:
        """Give a proxy back, if the third party wants to hear of it.

        Raises:
            ProxyUnavailableError: It did not.
        """
        method, _, address = self._terms.release.partition(" ")
        if address:
            values = {
                "history_id": history_id,
                "exit": lease.exit_name,
                "request_id": lease.request_id,
            }
            await self._bounded(self._ask(method, _filled(address, values)), self._terms.timeout)

    async def drain(self) -> None:
        """Wait until every request has its answer, and what nobody uses of them is given back."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def close(self) -> None:
        """Break off what is under way, and close the connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    async def _rent_in_time(self, need: Need) -> ProxyLease:
        """Return the proxy of one request; one for which it is too late is given back."""
        request = _Request(history_id=need.history_id, site=need.site, request_id=uuid.uuid4().hex)
        answer = self._begin(self._rent(request))
        is_in_time = False
        try:
            await asyncio.wait({answer}, timeout=self._terms.timeout.total_seconds())
            is_in_time = answer.done()
        finally:
            if not is_in_time:
                self._begin(self._give_back_late(answer, request))
        if not is_in_time:
            raise _too_late()
        return answer.result()

    def _begin(self, work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Start a task that outlives its caller, until it ends or the provider is closed."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _give_back_late(self, answer: "asyncio.Task[ProxyLease]", request: _Request) -> None:
        with suppress(ProxyUnavailableError):
            lease = await answer
            await self.release(lease, request.history_id)

    async def _rent(self, request: _Request) -> ProxyLease:
        """Return the proxy of one request; one that is not to be used is given back."""
        lease: ProxyLease | None = None
        limit = max(LONGEST_ANSWER, self._terms.timeout)
        try:
            lease = await self._bounded(self._answer(request), limit)
            await self._bounded(self._check(lease), limit)
        except _NothingRentedError:
            raise
        except ProxyUnavailableError:
            # An answer that is cut, too long or not to be read may speak of a proxy all the same.
            self._begin(self._give_back_unused(lease, request))
            raise
        return lease

    async def _give_back_unused(self, lease: ProxyLease | None, request: _Request) -> None:
        """Release what was rented and cannot be used, as far as it can be named."""
        template = self._terms.release
        # The id of a download says which proxy is meant, that of none (a parse) does not.
        is_named = "{request_id}" in template or request.history_id > 0
        if lease is None and ("{exit}" in template or not is_named):
            return
        unread = ProxyLease(url=None, exit_name="", request_id=request.request_id)
        with suppress(ProxyUnavailableError):
            await self.release(lease or unread, request.history_id)

    async def _answer(self, request: _Request) -> ProxyLease:
        values = {
            "history_id": request.history_id,
            "site": request.site,
            "request_id": request.request_id,
        }
        answer = await self._ask("GET", _filled(self._terms.endpoint, values))
        try:
            lease = parse_answer(answer, self._terms.form)
        except JMESPathError as error:
            message = "The proxy provider's answer has another form than the settings say."
            raise ProxyUnavailableError(message, reason=BAD_ANSWER) from error
        return replace(lease, request_id=request.request_id)

    async def _check(self, lease: ProxyLease) -> None:
        """Do nothing if a proxy stands where a stranger may send us."""
        place = urlsplit(lease.url or "")
        fault = ProxyUnavailableError(
            "The proxy provider named an address that may not be reached.",
            reason="forbidden_address",
        )
        try:
            addresses = await self._judge.addresses(place.hostname or "")
        except SourceTroubleError as error:
            raise fault from error
        for address in addresses:
            is_open = self._judge.opens(address) or is_port_of_a_proxy(place.port or 0)
            if not is_open or not self._judge.is_allowed_proxy(address):
                raise fault

    async def _bounded(self, work: Awaitable[_T], limit: timedelta) -> _T:
        unreachable = "The proxy provider could not be reached."
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await work
        except TimeoutError as error:
            raise _too_late() from error
        except httpx.ConnectError as error:
            raise _NothingRentedError(unreachable, reason="unreachable") from error
        except httpx.HTTPError as error:
            raise ProxyUnavailableError(unreachable, reason="unreachable") from error

    async def _ask(self, method: str, address: str) -> str:
        place = httpx.URL(address).copy_merge_params(self._query)
        async with self._client.stream(method, place, timeout=None) as response:
            if not response.is_success:
                raise _refused(response.status_code, response.headers)
            body = b""
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    message = "The proxy provider answered with too much."
                    raise ProxyUnavailableError(message, reason=BAD_ANSWER)
        return body.decode("utf-8", errors="replace").strip()


def _filled(template: str, values: Mapping[str, object]) -> str:
    """Return an address with its places filled in; braces that name nothing stay."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(str(value), safe=""))
    return template


def _too_late() -> ProxyUnavailableError:
    message = "The proxy provider did not answer in time."
    return ProxyUnavailableError(message, reason="timeout")


def _refused(status: int, headers: Mapping[str, str]) -> ProxyUnavailableError:
    asked = headers.get("Retry-After") if status == _TOO_MANY else None
    return _NothingRentedError(
        f"The proxy provider answered {status}.",
        retry_after=parse_retry_after(asked, datetime.now(UTC)) if asked else None,  # noqa: TID251 - a date in a header is compared with this machine's clock
        reason=f"http_{status}",
    )
