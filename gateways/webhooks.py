"""Webhooks as they are sent: one signed request to one judged address, and the status it gets."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from domain.addresses import Address, AddressPolicy
from domain.failures import ForbiddenAddressError, SourceTroubleError
from domain.webhooks import Answer, Fault, Message
from gateways.egress.judge import Judge, Resolve, resolve
from gateways.retry_after import parse_retry_after

TIMEOUT = timedelta(seconds=10)
"""Of a whole attempt, from the name to the status."""

MAX_ADDRESSES = 3
"""Addresses of one name that are tried."""

_LOOKUPS = ThreadPoolExecutor(64, thread_name_prefix="webhook-lookup")


async def resolve_apart(host: str) -> Sequence[Address]:
    """Return every address of a name, as ``judge.resolve``.

    Not in the threads of the gate: a name server that never answers must not hold up downloads.
    """
    return await resolve(host, _LOOKUPS)


class Sender:
    """Sends; what is answered beyond the head is not read, and where a redirect leads is not asked.

    A transport without a client around it: it has neither cookies, which one receiver would set
    for another, nor redirects, nor the proxies of the environment.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolve: Resolve = resolve_apart,
        *,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._judge = Judge(policy, resolve)
        self._timeout = timeout
        self._transport = httpx.AsyncHTTPTransport(
            # An administrator's own authorities stand in SSL_CERT_FILE.
            verify=httpx.create_ssl_context(),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._transport.aclose()

    async def send(self, url: str, message: Message) -> Answer:
        """Return what a receiver answers to a message, or why it does not."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await self._send(httpx.URL(url), message)
        except TimeoutError:
            return Answer(fault=Fault.TIMEOUT)
        except ForbiddenAddressError:
            return Answer(fault=Fault.FORBIDDEN_ADDRESS)
        except (SourceTroubleError, httpx.InvalidURL):
            return Answer(fault=Fault.DNS)
        except (httpx.HTTPError, OSError) as error:
            return Answer(fault=_fault_of(error))

    async def _send(self, url: httpx.URL, message: Message) -> Answer:
        addresses = await self._pinned(url)
        *others, last = addresses[:MAX_ADDRESSES]
        for address in others:
            try:
                return await self._post(url, address, message)
            except httpx.ConnectError:
                # Nothing has been told yet.
                continue
        return await self._post(url, last, message)

    async def _pinned(self, url: httpx.URL) -> Sequence[Address]:
        """Return where the receiver is.

        Raises:
            ForbiddenAddressError: There it may not be reached, or not without TLS.
            SourceTroubleError: Its name leads nowhere.
        """
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        addresses = await self._judge.pin(_host(url), port)
        if url.scheme != "https" and not all(self._judge.opens(one) for one in addresses):
            raise ForbiddenAddressError
        return addresses

    async def _post(self, url: httpx.URL, address: Address, message: Message) -> Answer:
        request = httpx.Request(
            "POST",
            url.copy_with(host=str(address)),
            headers={
                "Host": url.netloc.decode("ascii"),
                "Content-Type": "application/json",
                "User-Agent": "V-Asset",
                "Connection": "close",
                **message.headers(),
            },
            content=message.body.encode(),
            extensions={"sni_hostname": _host(url)},
        )
        response = await self._transport.handle_async_request(request)
        try:
            asked = response.headers.get("Retry-After")
            return Answer(
                http_status=response.status_code,
                fault=None if response.is_success else Fault.STATUS,
                retry_after=parse_retry_after(asked, datetime.now(UTC)) if asked else None,  # noqa: TID251 - a date in a header is compared with this machine's clock
            )
        finally:
            await response.aclose()


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _fault_of(error: Exception) -> Fault:
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return Fault.TLS
    return Fault.PROTOCOL if isinstance(error, httpx.ProtocolError) else Fault.UNREACHABLE


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
