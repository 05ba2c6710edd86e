"""FIFO write to UserPromptSubmit on an idle Claude with nobody attached, and Claude's own share of it."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from pathlib import Path

from ccmux.drivers.tmux import ClaudePane, TmuxServer
from tests.house.stand import LIMIT_S, Stand, remove, short_folder, until

MESSAGES = 50


def main(agent: str = "real", *, messages: int = MESSAGES) -> None:
    """Print the medians of so many messages: all in all, Claude's share, and what is ours."""
    folder = short_folder()
    try:
        with Stand(folder, agent=agent) as stand:
            stamps = folder / "stamps"
            _stamp_prompts(stand, stamps)
            stand.start()
            _one_by_daemon(stand, stamps, "to warm up")
            whole_ms = [_one_by_daemon(stand, stamps, f"number {n}") for n in range(messages)]
            stand.stop()
            claude_ms = asyncio.run(_bare(stand, stamps, messages))
    finally:
        remove(folder)
    whole, claude = statistics.median(whole_ms), statistics.median(claude_ms)
    print(f"FIFO write to UserPromptSubmit ({agent}): median {whole:.1f} ms, worst {max(whole_ms):.1f} ms")
    print(f"Claude's share (paste and Enter by hand): median {claude:.1f} ms, worst {max(claude_ms):.1f} ms")
    print(f"ours: {whole - claude:.1f} ms")


def _stamp_prompts(stand: Stand, stamps: Path) -> None:
    """Let Claude write the time of each UserPromptSubmit, by a hook of the user's own."""
    stamps.touch()
    hook = {"type": "command", "command": f"date +%s%N >> {stamps}"}
    settings = stand.project / "bench.json"
    settings.write_text(json.dumps({"hooks": {"UserPromptSubmit": [{"hooks": [hook]}]}}))
    stand.settings["claude"]["args"] = [*stand.args, "--settings", str(settings)]


def _one_by_daemon(stand: Stand, stamps: Path, text: str) -> float:
    count = len(stamps.read_text().splitlines())
    with stand.following() as events:
        began_ns = time.time_ns()
        stand.write(text)
        events.until("turn")
    until(lambda: stand.status()["state"] == "idle", "Claude is idle")
    time.sleep(1.5)  # the next message meets a Claude that has long been idle
    return (int(stamps.read_text().splitlines()[count]) - began_ns) / 1e6


async def _bare(stand: Stand, stamps: Path, messages: int) -> list[float]:
    """Do by hand what any program must do: one paste and one Enter."""
    took_ms: list[float] = []
    os.environ["TMUX_TMPDIR"] = stand.environment["TMUX_TMPDIR"]  # there is the server that hosts it
    pane = ClaudePane(TmuxServer(stand.socket), "ccmux-stand", cwd=str(stand.project))
    await pane.open()
    for n in range(messages):
        count = len(stamps.read_text().splitlines())
        began_ns = time.time_ns()
        await pane.paste(f"[12:00 default] number {n} ")
        await pane.press("Enter")
        async with asyncio.timeout(LIMIT_S):
            while len(stamps.read_text().splitlines()) <= count:
                await asyncio.sleep(0.005)
        took_ms.append((int(stamps.read_text().splitlines()[count]) - began_ns) / 1e6)
        await asyncio.sleep(1.0)
    await pane.close()
    return took_ms


if __name__ == "__main__":
    main()
