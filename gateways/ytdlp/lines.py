"""The reader of a child's reports, which may be made to say anything at any length."""

from gateways.ytdlp.protocol import MAX_LINE_BYTES, Report, decode_report


class Lines:
    """Cuts a byte stream into reports, holding no more than one line of bounded length."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_dropping = False

    def feed(self, chunk: bytes) -> list[Report]:
        """Return the sound reports that the chunk completes; drop everything else."""
        *ended, rest = chunk.split(b"\n")
        reports: list[Report] = []
        for piece in ended:
            self._hold(piece)
            report = None if self._is_dropping else decode_report(bytes(self._held))
            if report is not None:
                reports.append(report)
            self._held.clear()
            self._is_dropping = False
        self._hold(rest)
        return reports

    def _hold(self, piece: bytes) -> None:
        if self._is_dropping or len(self._held) + len(piece) > MAX_LINE_BYTES:
            self._held.clear()
            self._is_dropping = True
        else:
            self._held += piece
