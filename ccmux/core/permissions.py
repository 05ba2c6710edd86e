"""Which permission prompts are open, from hooks and Claude's own status. It answers none and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ccmux.core.events import Draft, EventType
from ccmux.core.observation import HookEvent, HookSeen, ProcessSeen, RegistryEntry, RegistrySeen, Sighting


class OpenPermissions:
    """The prompts that wait for a person, as the public events tell of them.

    A prompt is over when Claude stops waiting: at work again means that it was allowed, idle that it was
    refused (a "No" and an Esc both end the turn, measured on 2.1.329).
    """

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        """`new_id` makes a name that no other request has."""
        self._new_id = new_id
        self._open: dict[str, float] = {}
        """When each was asked, in epoch seconds, by its id."""

    def remember(self, type_: EventType, fields: Mapping[str, Any], at: float) -> None:
        """Take an event of an earlier life, oldest first."""
        if type_ is EventType.PERMISSION_REQUEST:
            self._open[fields["request_id"]] = at
        elif type_ is EventType.PERMISSION_RESOLVED:
            self._open.pop(fields["request_id"], None)

    def hear(self, sighting: Sighting) -> list[Draft]:
        """Return the events that follow from a sighting."""
        match sighting:
            case HookSeen(event=event) if event.name == "PermissionRequest":
                return [self._asked(event)]
            case HookSeen(event=event) if event.name in {"Stop", "StopFailure"} and not event.in_subagent:
                return self._over("allow", event.at)
            case RegistrySeen(entry=RegistryEntry() as entry) if entry.status != "waiting":
                return self._over("deny" if entry.is_idle else "allow", entry.updated_at)
            case ProcessSeen(pid=None):
                return self._over("deny", float("inf"), by="exit")
            case _:
                return []

    def _asked(self, event: HookEvent) -> Draft:
        request_id = self._new_id()
        self._open[request_id] = event.at
        payload = event.payload
        return Draft(
            type=EventType.PERMISSION_REQUEST,
            fields={
                "request_id": request_id,
                "tool_name": payload.get("tool_name", ""),
                "tool_input": payload.get("tool_input", {}),
                "suggestions": payload.get("permission_suggestions", []),
            },
        )

    def _over(self, behavior: str, at: float, *, by: str = "terminal") -> list[Draft]:
        """Resolve what was asked before `at`: a word from earlier says nothing about it."""
        over = [request_id for request_id, asked_at in self._open.items() if asked_at < at]
        for request_id in over:
            del self._open[request_id]
        return [
            Draft(
                type=EventType.PERMISSION_RESOLVED,
                fields={"request_id": request_id, "behavior": behavior, "by": by},
            )
            for request_id in over
        ]
