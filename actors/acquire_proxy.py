"""The stage acquire_proxy: rent a proxy for this download and keep its lease."""

from actors import proxies
from actors.context import Context
from domain.download import Download, ProxyLease
from runtime import logs

_log = logs.get("actors.acquire_proxy")


async def acquire_proxy(context: Context, download: Download) -> ProxyLease:
    """Return a fresh lease, kept for the fetch that follows.

    Raises:
        ProxyUnavailableError: The provider gave none in time, or Redis cannot keep it.
    """
    lease = await proxies.take(context, download)
    _log.info("proxy_acquired", exit=lease.exit_name)
    return lease
