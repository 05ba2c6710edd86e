"""Messages a second from one FIFO to the disk: 100,000 lines of 100 bytes, each run in a new database."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.bench.place import way_in

LINES = 100_000
RUNS = 3

WRITER = """
import sys
data = b"".join(b"%099d\\n" % n for n in range(int(sys.argv[2])))
with open(sys.argv[1], "wb", buffering=0) as pipe:
    while data:
        data = data[pipe.write(data):]
"""


async def _run(folder: Path) -> tuple[float, int]:
    """Return messages a second and how many lines were lost or doubled."""
    async with way_in(folder) as store:
        fifo = folder / "run" / "in"
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(fifo), str(LINES))
        while (first := await store.last_seq()) == 0:
            await asyncio.sleep(0)
        begun = time.perf_counter()
        while await store.last_seq() < LINES and time.perf_counter() < begun + 60:
            await asyncio.sleep(0.005)
        took_s = time.perf_counter() - begun
        kept = [message.content for message in await store.waiting(2 * LINES)]
        await writer.wait()
    wrong = sum(1 for n, text in enumerate(kept) if text != f"{n:099d}") + abs(LINES - len(kept))
    return (LINES - first) / took_s, wrong


def main() -> int:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(f"intake: {LINES:,} lines of 100 bytes from one FIFO")
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="ccx-", dir=os.environ.get("TMPDIR", "/tmp")) as folder:
            speed, wrong = asyncio.run(_run(Path(folder)))
        print(f"  {speed:>10,.0f} messages/s, {wrong} lost or out of order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
