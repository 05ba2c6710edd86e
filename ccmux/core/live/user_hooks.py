"""Decides what a user's `settings.json` must say so that every Claude Code session of theirs tells of itself.

Our hooks stand beside what is there; every other byte of the file stays. Ours are told by the shim's path
alone, so exactly they are renewed and taken out again. What cannot be read is left alone and said.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccmux.core import json_text
from ccmux.core.json_text import Change, Unchanged, Unparsable, Updated

TIMEOUT_S = 5
"""Claude waits no longer for a hook of ours; it takes milliseconds."""

_HOOKS = "hooks"


@dataclass(frozen=True, slots=True)
class Removed:
    """The file is what was written where there was none: without our hooks nothing of it is left."""


def installed(content: bytes | None, commands: Mapping[str, Sequence[str]], *, shim: str) -> Change:
    """Return what becomes of the settings `content` (None: there are none) with our hooks in them.

    Args:
        content: The file's.
        commands: The argv for each event.
        shim: The path by which ours are told.

    """
    if content is None or not content.strip():
        hooks = {event: [_group(argv)] for event, argv in commands.items()}
        return Updated(json_text.new_text({_HOOKS: hooks}).encode())
    read = json_text.read_object(content)
    if isinstance(read, str):
        return Unparsable(read)
    text, root = read
    if reason := _unfit(root, commands):
        return Unparsable(reason)
    if all(_ours(root, event, shim) == [_hook(argv)] for event, argv in commands.items()):
        return Unchanged()
    for event, argv in commands.items():
        text = _with_hook(_without_ours(text, event, shim, tidy=False), event, _group(argv))
    return Updated(text.encode())


def uninstalled(content: bytes | None, events: Sequence[str], *, shim: str) -> Change | Removed:
    """Return what becomes of the settings with our hooks taken out, and what they alone needed."""
    if content is None or not content.strip():
        return Unchanged()
    read = json_text.read_object(content)
    if isinstance(read, str):
        return Unparsable(read)
    text, root = read
    if _unfit(root, events) or not any(_ours(root, event, shim) for event in events):
        return Unchanged()
    for event in events:
        text = _without_ours(text, event, shim, tidy=True)
    if text == json_text.new_text({}) and content == json_text.new_text(root).encode():
        return Removed()
    return Updated(text.encode())


def _hook(argv: Sequence[str]) -> dict[str, Any]:
    return {"type": "command", "command": shlex.join(argv), "timeout": TIMEOUT_S}


def _group(argv: Sequence[str]) -> dict[str, Any]:
    return {"hooks": [_hook(argv)]}


def _unfit(root: Mapping[str, Any], events: Sequence[str] | Mapping[str, Any]) -> str:
    """Return what keeps our hooks from standing there, "" where nothing does."""
    hooks = root.get(_HOOKS, {})
    if not isinstance(hooks, dict):
        return f"{_HOOKS} is no JSON object"
    wrong = [event for event in events if not isinstance(hooks.get(event, []), list)]
    return f"{_HOOKS}.{wrong[0]} is no JSON list" if wrong else ""


def _ours(root: Mapping[str, Any], event: str, shim: str) -> list[Any]:
    """Return our hooks for this event."""
    return [
        hook
        for group in root.get(_HOOKS, {}).get(event, [])
        for hook in _hooks_of(group)
        if _is_ours(hook, shim)
    ]


def _hooks_of(group: object) -> list[Any]:
    hooks = group.get("hooks") if isinstance(group, dict) else None
    return hooks if isinstance(hooks, list) else []


def _is_ours(hook: object, shim: str) -> bool:
    command = hook.get("command") if isinstance(hook, dict) else None
    if not isinstance(command, str):
        return False
    try:
        return shlex.split(command)[1:2] == [shim]
    except ValueError:  # an open quote
        return False


def _with_hook(text: str, event: str, group: Mapping[str, Any]) -> str:
    root = json_text.root_of(text)
    hooks = root.member(_HOOKS)
    if hooks is None:
        return json_text.with_member(text, root, _HOOKS, {event: [group]})
    inside = json_text.container_at(text, hooks.value_start)
    groups = inside.member(event)
    if groups is None:
        return json_text.with_member(text, inside, event, [group])
    return json_text.with_member(text, json_text.container_at(text, groups.value_start), "", group)


def _without_ours(text: str, event: str, shim: str, *, tidy: bool) -> str:
    """Take our hooks out, and their groups where nothing else is in them; `tidy`: all that is empty then."""
    while (place := next(_places(text, event, shim), None)) is not None:
        steps = place if tidy else place[:2]
        container, member = next((step for step in steps if len(step[0].members) > 1), steps[-1])
        text = json_text.without_member(text, container, member)
    return text


_Step = tuple[json_text.Container, json_text.Member]


def _places(text: str, event: str, shim: str) -> Iterator[list[_Step]]:
    """Return where our hooks stand: the way to each from inside out, up to the whole file."""
    root = json_text.root_of(text)
    hooks = root.member(_HOOKS)
    if hooks is None:
        return
    table = json_text.container_at(text, hooks.value_start)
    groups = table.member(event)
    if groups is None:
        return
    array = json_text.container_at(text, groups.value_start)
    for group in array.members:
        if text[group.value_start] != "{":
            continue
        inside = json_text.container_at(text, group.value_start)
        listed = inside.member("hooks")
        if listed is None or text[listed.value_start] != "[":
            continue
        entries = json_text.container_at(text, listed.value_start)
        for entry in entries.members:
            if _is_ours(json_text.value_of(text, entry), shim):
                # A group is nothing without its hooks, whatever else stands in it.
                yield [(entries, entry), (array, group), (table, groups), (root, hooks)]
