"""Show others what your Claude Code sessions do: whether Claude is at work, on what, and how much.

install adds two hooks to Claude Code's own settings, beside what is there: from then on every session of
yours, in whatever folder, tells when it begins and ends. One program in the background (serve; or a daemon of
ccmux that runs anyway) reads their transcripts as they grow and tells the relay that [live] endpoint or
CC_LIVE_ENDPOINT names. uninstall takes exactly those hooks out again.

preview prints what would be told now, byte for byte, and tells nobody. What is personal in the newest prompt
is replaced before it leaves; a Claude started with CC_LIVE_SENSITIVE=1 shows nothing of it.

register and unregister are what hooks call, with Claude's payload on standard input. They always end well, in
silence and at once, also where nobody is to be told. serve ends by itself after 30 minutes without a session.
"""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ccmux.cli.live_hook import PUBLISHER, become_hook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ccmux.place import Place

ACTIONS = ("register", "unregister", "serve", "install", "uninstall", "preview")

EXAMPLES = """\
actions:
  install     add our hooks to Claude Code's settings
  uninstall   take them out again
  preview     print what would be told now
  serve       publish; hooks start it where no daemon does
  register    a session begins: what hooks call
  unregister  a session has ended: what hooks call

The key that the relay knows you by is CC_LIVE_API_KEY, or stands in
~/.ccmux/secrets/live_api_key (mode 600).

examples:
  export CC_LIVE_ENDPOINT=https://live.example.org CC_LIVE_API_KEY=...
  ccmux live install            every session where both of these are set
  ccmux live install --config FILE
                                every session, by FILE's [live] endpoint
  ccmux live preview | jq       what the relay would be told now
  CC_LIVE_SENSITIVE=1 claude    a session whose prompts nobody reads
"""

_EVENTS = {"SessionStart": "register", "SessionEnd": "unregister"}


def add_arguments(parser: ArgumentParser) -> None:
    """Say what to do."""
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="one of those below")
    parser.add_argument("--lock", type=int, metavar="FD", default=None, help=SUPPRESS)


def run(arguments: Namespace) -> int:
    """Do it."""
    match arguments.action:
        case "register" | "unregister" as verb:
            return _tell(verb, arguments)
        case "serve":
            return _serve(arguments)
        case "preview":
            return _preview(arguments)
        case action:
            return _change_settings(arguments, install=action == "install")


def _tell(verb: str, arguments: Namespace) -> int:
    """Become the hook if somebody is to be told; whatever is wrong, Claude is not held up."""
    from ccmux.cli.place import enter
    from ccmux.core.errors import CcmuxError
    from ccmux.place import last_good_place

    try:
        when, config = _told_by(last_good_place(enter(arguments), os.environ))
    except (CcmuxError, OSError):
        return 0
    return become_hook(verb, when=when, config=config)


def _told_by(place: Place) -> tuple[str, str]:
    """Return when sessions are told of, and the settings file that names the relay, "" where none does."""
    from ccmux.drivers.live_hook import ALWAYS, IF_TOLD

    return (ALWAYS, str(place.config)) if place.settings.live.endpoint else (IF_TOLD, "")


def _serve(arguments: Namespace) -> int:
    from ccmux.app.live import find_live, serve
    from ccmux.cli.place import find_place

    return serve(find_live(find_place(arguments).settings.live, os.environ), inherited=arguments.lock)


def _preview(arguments: Namespace) -> int:
    import asyncio

    from ccmux.app.live import find_live, preview
    from ccmux.cli.place import find_place

    live = find_live(find_place(arguments).settings.live, os.environ)
    body = asyncio.run(preview(live))
    sys.stdout.buffer.write(body + b"\n")
    if not live.is_wanted:
        missing = f"key in {live.paths.api_key}" if live.endpoint else "[live] endpoint, no CC_LIVE_ENDPOINT"
        sys.stderr.write(f"ccmux: nobody is told of it, for there is no {missing}\n")
    return 0


def _change_settings(arguments: Namespace, *, install: bool) -> int:
    from ccmux.cli.place import find_place
    from ccmux.core import json_text
    from ccmux.core.errors import FileUnfit
    from ccmux.core.live import user_hooks
    from ccmux.drivers import live_hook, project_files
    from ccmux.drivers.state_dir import make_private
    from ccmux.paths import claude_paths, find_live_paths

    paths = find_live_paths(os.environ)
    settings = claude_paths(os.environ).config_dir / "settings.json"
    content = project_files.read(settings)
    place = find_place(arguments) if install else None
    if place is not None:
        make_private(paths.data_dir, paths.dir, paths.spool)
        commands = _commands(place, paths.hook, paths.dir)
        change: json_text.Change | user_hooks.Removed = user_hooks.installed(
            content, commands, shim=str(paths.hook)
        )
    else:
        change = user_hooks.uninstalled(content, list(_EVENTS), shim=str(paths.hook))
    if place is not None and not isinstance(change, json_text.Unparsable):
        live_hook.install(paths.hook)
    match change:
        case json_text.Unparsable(reason):
            raise FileUnfit(str(settings), reason)
        case json_text.Updated(new):
            if place is not None:
                settings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            project_files.replace(settings, new, mode=0o600)
            print(f"{settings}: hooks {'added' if install else 'taken out'}")
            if place is not None and not place.settings.live.endpoint:
                print("a session is told of where its environment has CC_LIVE_ENDPOINT and CC_LIVE_API_KEY")
        case user_hooks.Removed():
            project_files.remove(settings)
            print(f"{settings}: hooks taken out, and the file, in which nothing else stood")
        case json_text.Unchanged():
            print(f"{settings}: nothing to do")
    return 0


def _commands(place: Place, hook: Path, folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the argv of our hook for each event."""
    from ccmux.drivers import live_hook

    when, config = _told_by(place)
    publisher = [sys.executable, *PUBLISHER, *(["--config", config] if config else [])]
    return {event: live_hook.command(hook, folder, verb, when, publisher) for event, verb in _EVENTS.items()}
