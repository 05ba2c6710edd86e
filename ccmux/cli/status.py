"""Tell how things stand: Claude's state, what holds the queue and the way out, what waits."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from typing import Any

from ccmux.cli.say import as_json, printable
from ccmux.core.when import age

EXAMPLES = """\
examples:
  ccmux status
  ccmux status --watch
  ccmux status --json | jq .queue
"""

_LOOK_EVERY_S = 1.0
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: ArgumentParser) -> None:
    """Say how often, and in which form."""
    parser.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object (with --watch: one a line)")


def run(arguments: Namespace) -> int:
    """Ask and print, once or for ever."""
    from ccmux.cli.place import find_place

    place = find_place(arguments)
    clear = _CLEAR if arguments.watch and sys.stdout.isatty() and not arguments.json else ""
    with place.control() as control:
        while True:
            status = control.ask("status")["status"]
            said = as_json(status) if arguments.json else told(status, now_s=time.time())
            print(clear + said, flush=True)
            if not arguments.watch:
                return 0
            time.sleep(_LOOK_EVERY_S)


def told(status: dict[str, Any], *, now_s: float) -> str:
    """Return the status for a person; what a daemon does not tell is left out."""
    lines = [f"{status.get('session')}: Claude is {status.get('state')}"]
    if hold := status.get("hold"):
        detail = f" ({status['detail']})" if status.get("detail") else ""
        since = f" for {age(status['held_s'])}" if status.get("held_s", 0) >= 1 else ""
        lines.append(f"  held      {hold}{detail}{since}")
        lines.append(f"  way out   {status.get('way_out')}")
    else:
        lines.append("  held      by nothing: a message is typed when it comes")
    if trouble := status.get("trouble"):
        lines.append(f"  database  waits: {trouble}")
    if settings := status.get("settings"):
        used = f"it uses those of {age(max(0.0, now_s - settings['used_since']))} ago"
        lines.append(f"  settings  wrong when it started; {used}")
        lines += [f"            {problem}" for problem in settings["wrong"]]
    lines.append(f"  queue     {_counts(status.get('queue'))}")
    if status.get("out"):
        lines.append(f"  outgoing  {_counts(status['out'])} wait for a reader")
    lines.append(f"  claude    {_claude(status)}")
    if last := status.get("last_turn_at"):
        lines.append(f"  last turn {age(max(0.0, now_s - last))} ago")
    lines.append(f"  ccmux     {status.get('version')}, up {age(status.get('uptime_s', 0))}")
    return printable("\n".join(lines), keep="\n")


def _counts(counts: dict[str, int] | None) -> str:
    return ", ".join(f"{count} {name}" for name, count in (counts or {}).items() if count) or "empty"


def _claude(status: dict[str, Any]) -> str:
    pid = f"pid {status['pid']}" if status.get("pid") else "not running"
    restarts = f", {status['restarts']} restarts" if status.get("restarts") else ""
    return f"{pid}, session {status.get('session_id') or 'not begun'}{restarts}"
