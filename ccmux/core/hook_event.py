"""One hook event of Claude Code, from the JSON that its hook got on stdin. It never raises."""

from __future__ import annotations

from typing import Any

import msgspec

from ccmux.core.observation import HookEvent


class _Common(msgspec.Struct):
    """The documented fields every event carries; `prompt_id` is absent before a session's first prompt."""

    hook_event_name: str
    session_id: str
    transcript_path: str = ""
    prompt_id: str | None = None
    agent_id: str | None = None


_DECODER = msgspec.json.Decoder(dict[str, Any])


def read_hook(raw: bytes, at: float) -> HookEvent | None:
    """Return the event, or None where `raw` is no hook event.

    Args:
        raw: One JSON object.
        at: Epoch seconds when the hook ran.
    """
    try:
        payload = _DECODER.decode(raw)
        common = msgspec.convert(payload, _Common)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return HookEvent(
        name=common.hook_event_name,
        session_id=common.session_id,
        transcript_path=common.transcript_path,
        prompt_id=common.prompt_id,
        at=at,
        payload=payload,
        in_subagent=common.agent_id is not None,
    )
