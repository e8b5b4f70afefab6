"""Why a fetch brought no file: how its child ended, what it said, and what the gate saw."""

import signal

from domain.failures import (
    BrokenExtractorError,
    CorruptError,
    DownloadError,
    InterruptedDownloadError,
    PermanentError,
    ProxyFaultError,
    SourceTroubleError,
    TooLargeError,
    UnexpectedError,
)
from gateways.egress.passage import Passage
from gateways.ytdlp.causes import error_of
from gateways.ytdlp.protocol import Done, Failed

_LIMIT_SIGNALS = {-signal.SIGXFSZ, -signal.SIGXCPU}
_NET_FAULTS = (ProxyFaultError, SourceTroubleError, BrokenExtractorError, UnexpectedError)
_TLS_FAULT = "CertificateVerifyError"


def cause_of(code: int | None, told: Done | Failed | None, passage: Passage) -> DownloadError:
    """Return the one cause.

    Args:
        code: The child's exit code; None if its server died.
        told: Its last word, believed only where nothing better is known.
    """
    if isinstance(passage.fault, PermanentError):
        return passage.fault
    if code in _LIMIT_SIGNALS:
        return TooLargeError()
    if code == 0:
        return CorruptError()
    if code is None or not isinstance(told, Failed):
        return InterruptedDownloadError()
    seen = error_of(told)
    better = _better(seen, told, passage)
    for note in seen.__notes__ if better is not seen else ():
        better.add_note(note)
    better.detail = seen.detail
    return better


def _better(seen: DownloadError, told: Failed, passage: Passage) -> DownloadError:
    if passage.lease.url is not None and _TLS_FAULT in told.chain:
        # The certificate of a stranger: a proxy that opens what goes through it.
        return ProxyFaultError()
    if isinstance(seen, _NET_FAULTS) and passage.fault is not None:
        return passage.fault
    # To the child the gate is its proxy, so what it lacks is ours.
    return InterruptedDownloadError() if isinstance(seen, ProxyFaultError) else seen
