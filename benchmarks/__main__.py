"""`make bench`: run every benchmark, print its table and write it into docs/performance.md."""

import os
import platform
import re
import sys
from pathlib import Path

from benchmarks import delivery, floods, gate, history, many_clips, servers, sockets

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BENCHMARKS = {
    "many_clips": many_clips.run,
    "gate": gate.run,
    "delivery": delivery.run,
    "servers": servers.run,
    "history": history.run,
    "sockets": sockets.run,
    "floods": floods.run,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; the exit status."""
    for name in names or BENCHMARKS:
        table = BENCHMARKS[name]()
        sys.stdout.write(f"{name}\n{table}\n\n")
        _write(name, f"{table}\n\n{_machine()}")
    return 0


def _write(name: str, text: str) -> None:
    """Replace what stands between the marks of a benchmark in the page."""
    page = PAGE.read_text(encoding="utf-8")
    between = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    PAGE.write_text(between.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page), encoding="utf-8")


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, Linux."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
