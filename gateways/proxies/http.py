"""The provider ``http``: a third party's API that rents out one proxy at each call."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
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

_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTerms:
    """How a third party wants to be asked.

    Attributes:
        endpoint: Its address; ``{history_id}`` and ``{site}`` are filled in.
        release: A method and an address with ``{history_id}``, ``{site}`` and ``{exit}``, such as
            ``DELETE https://api.example/leases/{exit}``; empty if nothing is given back.
        key_in: ``bearer``, ``header:NAME`` or ``query:NAME``.
        api_key: A secret.
        timeout: For connect, read and parse together.
    """

    endpoint: str
    release: str
    key_in: str
    api_key: str
    timeout: timedelta
    form: AnswerForm


class HttpProvider:
    """Asks ``GET endpoint``; what it answers is judged like an address of a user."""

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
            lease = await self._bounded(self._rent(need))
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
            values = {"history_id": history_id, "exit": lease.exit_name}
            await self._bounded(self._ask(method, _filled(address, values)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _rent(self, need: Need) -> ProxyLease:
        values = {"history_id": need.history_id, "site": need.site}
        answer = await self._ask("GET", _filled(self._terms.endpoint, values))
        try:
            lease = parse_answer(answer, self._terms.form)
        except JMESPathError as error:
            message = "The proxy provider's answer has another form than the settings say."
            raise ProxyUnavailableError(message, reason=BAD_ANSWER) from error
        await self._check(lease)
        return lease

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

    async def _bounded(self, asking: Any) -> Any:  # noqa: ANN401 - whatever it returns
        try:
            async with asyncio.timeout(self._terms.timeout.total_seconds()):
                return await asking
        except TimeoutError as error:
            message = "The proxy provider did not answer in time."
            raise ProxyUnavailableError(message, reason="timeout") from error
        except httpx.HTTPError as error:
            message = "The proxy provider could not be reached."
            raise ProxyUnavailableError(message, reason="unreachable") from error

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


def _refused(status: int, headers: Mapping[str, str]) -> ProxyUnavailableError:
    asked = headers.get("Retry-After") if status == _TOO_MANY else None
    return ProxyUnavailableError(
        f"The proxy provider answered {status}.",
        retry_after=parse_retry_after(asked, datetime.now(UTC)) if asked else None,  # noqa: TID251 - a date in a header is compared with this machine's clock
        reason=f"http_{status}",
    )
