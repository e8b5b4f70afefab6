"""The stage acquire_proxy: rent a proxy for this download, or link its twin's file instead."""

from actors import proxies
from actors.context import Context
from actors.linking import link
from domain.download import Download, ProxyLease
from runtime import logs

_log = logs.get("actors.acquire_proxy")


async def acquire_proxy(context: Context, download: Download) -> ProxyLease | None:
    """Return a fresh lease, kept for the fetch that follows; None if there is nothing to fetch.

    Raises:
        TwinGoneError: The file that was to be linked is not to be had any more.
        ProxyUnavailableError: The provider gave none in time, or Redis cannot keep it.
    """
    if download.linked_from is not None:
        await link(context, download, download.linked_from)
        return None
    lease = await proxies.take(context, download)
    _log.info("proxy_acquired", exit=lease.exit_name)
    return lease
