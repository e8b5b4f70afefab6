"""DASH manifests as yt-dlp can read them: a list of ranges of one file is that file.

yt-dlp knows fragments by their addresses alone. Of a list that names ranges it would fetch the
whole file for each, or fail at the first without an address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from xml.etree.ElementTree import Element, SubElement


def join_ranges(manifest: Element) -> None:
    """Take out of a manifest the lists of ranges of one file, and leave the file's address.

    Source: ISO/IEC 23009-1, 5.3.9.3; yt_dlp/extractor/common.py, ``_parse_mpd_periods``.
    """
    namespace = manifest.tag.rpartition("}")[0] + "}" if "}" in manifest.tag else ""
    for parent in manifest.iter():
        listed = parent.find(f"{namespace}SegmentList")
        if listed is None:
            continue
        segments = listed.findall(f"{namespace}SegmentURL")
        files = {one.get("media") for one in segments}
        if len(files) != 1 or not all(one.get("mediaRange") for one in segments):
            continue
        parent.remove(listed)
        (file,) = files
        if file is not None:
            base = parent.find(f"{namespace}BaseURL")
            base = SubElement(parent, f"{namespace}BaseURL") if base is None else base
            base.text = (base.text or "").rpartition("/")[0] + ("/" if base.text else "") + file


def joining_ranges(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return yt-dlp's method that reads a manifest, for one without lists of ranges."""

    @wraps(parse)
    def parsed(extractor: Any, manifest: Element, *told: Any, **named: Any) -> Any:  # noqa: ANN401 - yt-dlp's own
        join_ranges(manifest)
        return parse(extractor, manifest, *told, **named)

    return parsed
