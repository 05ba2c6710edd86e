"""Which conversation the next Claude gets: the one we host, or, where that is impossible, a new one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """Start with `--resume` or `--session-id`. `lost`: the conversation whose transcript is gone, or None."""

    session_id: str
    resume: bool
    lost: str | None = None


def plan_session(hosted_id: str | None, *, spoken: bool, transcript_exists: bool, new_id: str) -> SessionPlan:
    """Return what to start.

    Args:
        hosted_id: The conversation hosted last, None if there never was one.
        spoken: It has had a prompt. One without cannot be resumed, and nothing is lost with it.
        transcript_exists: Its transcript is on disk.
        new_id: A fresh UUID.
    """
    if hosted_id is None or not spoken:
        return SessionPlan(session_id=new_id, resume=False)
    if not transcript_exists:
        return SessionPlan(session_id=new_id, resume=False, lost=hosted_id)
    return SessionPlan(session_id=hosted_id, resume=True)
