"""The provider ``http``: a third party's API that rents out one proxy at each call."""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import httpx

from domain.download import ProxyLease
from domain.failures import ProxyUnavailableError
from gateways.proxies.provider import parse_address

MAX_ANSWER_BYTES = 65_536
"""An answer is one address; more is a fault of the provider. Source: reliability row PX-2."""

ADDRESS_KEYS = ("proxy", "url", "address")


class HttpProvider:
    """Asks ``GET endpoint`` with the key as Bearer token; JSON or plain text answers."""

    def __init__(self, endpoint: str, *, api_key: str, timeout: timedelta) -> None:
        """Raise ValueError if the endpoint is no http(s) address."""
        if not endpoint.startswith(("http://", "https://")):
            message = "proxy.endpoint must be an http or https address"
            raise ValueError(message)
        self._endpoint = endpoint
        self._timeout = timeout
        # Redirects stay off: the answer of a stranger must not choose whom we call (PX-5).
        # trust_env off: a proxy of the machine's environment is not ours to use.
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )

    async def acquire(self, history_id: int) -> ProxyLease:
        """Return the proxy that the provider answers with.

        Raises:
            ProxyUnavailableError: Connect, read and parse took longer than the timeout together,
                or the answer is not one address of a proxy.
        """
        del history_id
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                answer = await self._ask()
        except TimeoutError as error:
            message = "The proxy provider did not answer in time."
            raise ProxyUnavailableError(message) from error
        except httpx.HTTPError as error:
            message = "The proxy provider could not be reached."
            raise ProxyUnavailableError(message) from error
        return parse_address(_address(answer))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self) -> str:
        async with self._client.stream("GET", self._endpoint, timeout=None) as response:
            if not response.is_success:
                message = f"The proxy provider answered {response.status_code}."
                raise ProxyUnavailableError(message)
            body = b""
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    message = "The proxy provider answered with too much."
                    raise ProxyUnavailableError(message)
        return body.decode("utf-8", errors="replace").strip()


def _address(answer: str) -> str:
    """Return the address in a plain answer, a JSON string, or under a known key of an object."""
    try:
        value: Any = json.loads(answer)
    except ValueError:
        return answer
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        value = next((table[key] for key in ADDRESS_KEYS if key in table), None)
    return value if isinstance(value, str) else ""
