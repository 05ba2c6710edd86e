"""Wall time of what starts often: `ccmux send` with the daemon up and down, and the hook shim."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ccmux.drivers import hook_shim
from tests.house.stand import Stand, remove, short_folder

RUNS = 50


def main() -> None:
    """Print medians in milliseconds."""
    folder = short_folder()
    program = Path(sys.executable).with_name("ccmux")
    try:
        with Stand(folder, agent="demo") as stand:
            stand.start()
            stand.ccmux("pause")

            def send() -> None:
                subprocess.run(
                    [program, "send", "hello"],
                    cwd=stand.project,
                    env=stand.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=True,
                )

            print(f"ccmux send, daemon up: {_median_ms(send):.1f} ms")
            stand.stop()
            print(f"ccmux send, daemon down: {_median_ms(send):.1f} ms")
            shim, spool = folder / "hook.sh", folder / "spool"
            spool.mkdir()
            hook_shim.install(shim)
            payload = b'{"hook_event_name":"Stop","session_id":"s","transcript_path":"/t"}' * 10

            def fire() -> None:
                subprocess.run(hook_shim.command(shim, spool), input=payload, check=True)

            print(
                f"hook shim: {_median_ms(fire):.1f} ms; "
                f"a process that does nothing: {_median_ms(_nothing):.1f} ms"
            )
    finally:
        remove(folder)


def _nothing() -> None:
    subprocess.run(["/bin/true"], check=True)


def _median_ms(call: Callable[[], None]) -> float:
    took: list[float] = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        call()
        took.append((time.perf_counter() - began_s) * 1e3)
    return statistics.median(took)


if __name__ == "__main__":
    main()
