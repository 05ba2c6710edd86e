"""Check every message against Claude's own transcripts: none lost, none doubled, or exactly which.

Works while the daemon is down too, and changes nothing. Exit 1 if a message is missing or doubled.
"""

from __future__ import annotations

import os
import re
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from typing import Any

from ccmux.cli.say import as_json

EXAMPLES = """\
examples:
  ccmux prove
  ccmux prove --since 2h                   messages of the last two hours (s, min, h, d)
  ccmux prove --since 2026-11-20T14:30     since then, local time
  ccmux prove --since 4711                 since event number 4711 of `ccmux tail`
  ccmux prove --json | jq .missing
"""

_SHOWN_IDS = 20
_UNITS_S = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9})(s|min|h|d)")

_LISTS = {
    "waiting": "not typed yet, or being typed now",
    "in_flight": "Claude has it and has not answered yet",
    "uncertain": "typed, and nobody knows yet; ccmux looks for it",
    "dead": "given up or never a message; `ccmux dead` lists those that were not dropped",
    "unprovable": "not provable any more: its transcript was deleted",
    "missing": "MISSING: Claude took it, ccmux believes, and no transcript carries it",
    "doubled": "DOUBLED: more than one prompt carries it",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Say since when, and in which form."""
    parser.add_argument(
        "--since", type=_since, default={}, metavar="TIME|SEQ|DURATION", help="only messages that came later"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Read both books, compare, print."""
    from dataclasses import asdict

    from ccmux.cli.place import find_place
    from ccmux.core.ledger import prove
    from ccmux.drivers.sqlite import read_ledger
    from ccmux.drivers.transcripts import Transcripts
    from ccmux.paths import claude_paths

    place = find_place(arguments)
    # The database first: what it calls taken then must be in the transcripts, which only grow.
    ledger, paths = read_ledger(place.paths.database, **arguments.since)
    transcripts = Transcripts(claude_paths({**os.environ, **place.settings.claude.env}).config_dir)
    read = {session: transcripts.prompts(session, path) for session, path in paths.items()}
    verdict = prove(
        ledger,
        (prompt for prompts in read.values() for prompt in prompts or ()),
        gone={session for session, prompts in read.items() if prompts is None},
        now_s=time.time(),
    )
    facts = {**asdict(verdict), "transcripts": sum(prompts is not None for prompts in read.values())}
    print(as_json(facts) if arguments.json else told(facts))
    return 0 if verdict.is_clean else 1


def told(facts: dict[str, Any]) -> str:
    """Return the verdict for a person."""
    waiting = len(facts["waiting"]) + len(facts["in_flight"])
    ends = ", ".join(f"{len(facts[name])} {name}" for name in ("missing", "doubled", "uncertain"))
    first = f"{facts['received']} received, {facts['answered']} answered, {waiting} waiting, {ends}"
    noun = "transcript" if facts["transcripts"] == 1 else "transcripts"
    lines = [f"{first} ({facts['transcripts']} {noun} read)"]
    lines += [f"  {_some(facts[name])}: {meaning}" for name, meaning in _LISTS.items() if facts[name]]
    return "\n".join(lines)


def _some(ids: tuple[int, ...]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(map(str, ids[:_SHOWN_IDS])) + more


def _since(word: str) -> dict[str, float]:
    if word.isascii() and word.isdecimal() and len(word) < 19:
        return {"since_seq": int(word)}
    if duration := _DURATION.fullmatch(word):
        return {"since_ts": max(1e-9, time.time() - int(duration[1]) * _UNITS_S[duration[2]])}
    try:
        return {"since_ts": datetime.fromisoformat(word).timestamp()}
    except (ValueError, OverflowError, OSError):
        told = "it must be a duration (2h), a time (2026-11-20T14:30) or an event's number"
        raise ArgumentTypeError(told) from None
