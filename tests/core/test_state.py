"""What Claude is doing, from every combination of witnesses that was met, and from ones that disagree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.observation import (
    CaughtUp,
    Hold,
    HookEvent,
    HookSeen,
    PaneView,
    ProcessSeen,
    PromptBlocked,
    RegistryEntry,
    RegistrySeen,
    Screen,
    ScreenKind,
    Sighting,
    TurnSeen,
)
from ccmux.core.state import Activity, Fusion, Observation

T = 1_700_000_000.0
VIEW = PaneView(rows=("❯ ",), cursor=(2, 0), in_mode=False, dead=False, human_idle_s=None)
EMPTY_BOX = Screen(kind=ScreenKind.PROMPT)


def registry(status: str, *, at: float = T, waiting_for: str = "") -> RegistrySeen:
    entry = RegistryEntry(pid=7, session_id="s", status=status, waiting_for=waiting_for, updated_at=at)
    return RegistrySeen(entry=entry)


def hook(name: str, *, at: float = T, **payload: Any) -> HookSeen:
    event = HookEvent(name=name, session_id="s", transcript_path="/t", prompt_id="p", at=at, payload=payload)
    return HookSeen(event=event)


def fused(*seen: Sighting | Screen, silence_s: float = 3.0) -> Fusion:
    """Return a fusion to which a running Claude and then these were told, one a second from second 0."""
    fusion = Fusion(silence_s=silence_s, local=lambda ts: datetime.fromtimestamp(ts, UTC))
    fusion.hear(ProcessSeen(pid=7, started_at=T - 100), now_s=0.0)
    for second, sighting in enumerate(seen):
        if isinstance(sighting, Screen):
            fusion.look(VIEW, sighting, now_s=float(second))
        else:
            fusion.hear(sighting, now_s=float(second))
    return fusion


def observed(*seen: Sighting | Screen, after_s: float = 0.0) -> Observation:
    return fused(*seen).observe(now_s=len(seen) - 1 + after_s, now=T)


def test_nothing_known_is_down() -> None:
    fusion = Fusion(silence_s=3.0, local=lambda ts: datetime.fromtimestamp(ts, UTC))
    seen = fusion.observe(now_s=0.0, now=T)
    assert (seen.activity, seen.hold, fusion.pid) == (Activity.DOWN, Hold.NOT_RUNNING, None)


@pytest.mark.parametrize(
    ("seen", "activity", "hold"),
    [
        ([], Activity.STARTING, Hold.STARTING),
        ([Screen(kind=ScreenKind.UNKNOWN)], Activity.STARTING, Hold.STARTING),
        ([Screen(kind=ScreenKind.STARTUP, dialog="folder trust")], Activity.STARTING, Hold.STARTING),
        ([Screen(kind=ScreenKind.PROMPT, login_needed=True)], Activity.WAITING, Hold.LOGIN_NEEDED),
        ([EMPTY_BOX], Activity.STARTING, Hold.STARTING),
        ([hook("SessionStart"), EMPTY_BOX], Activity.IDLE, None),
        ([registry("idle")], Activity.IDLE, None),
        ([registry("idle"), EMPTY_BOX], Activity.IDLE, None),
        ([registry("busy"), EMPTY_BOX], Activity.BUSY, Hold.GENERATING),
        ([registry("shell"), EMPTY_BOX], Activity.IDLE, None),
        ([registry("a new word")], Activity.BUSY, Hold.GENERATING),
        ([registry("idle"), replace(EMPTY_BOX, busy=True)], Activity.BUSY, Hold.GENERATING),
        ([registry("idle"), Screen(kind=ScreenKind.UNKNOWN)], Activity.IDLE, Hold.UNKNOWN_SCREEN),
        ([registry("idle"), Screen(kind=ScreenKind.DIALOG)], Activity.WAITING, Hold.DIALOG),
        ([registry("idle"), Screen(kind=ScreenKind.PERMISSION)], Activity.WAITING, Hold.PERMISSION_PROMPT),
        ([registry("waiting", waiting_for="permission prompt")], Activity.WAITING, Hold.PERMISSION_PROMPT),
        ([registry("waiting", waiting_for="input needed")], Activity.WAITING, Hold.PERMISSION_PROMPT),
        ([registry("waiting", waiting_for="dialog open")], Activity.WAITING, Hold.DIALOG),
        ([registry("waiting")], Activity.WAITING, Hold.DIALOG),
        ([registry("idle"), ProcessSeen(pid=None)], Activity.DOWN, Hold.NOT_RUNNING),
        ([registry("idle"), ProcessSeen(pid=8)], Activity.STARTING, Hold.STARTING),
    ],
)
def test_each_witness_alone_and_together(
    seen: list[Sighting | Screen], activity: Activity, hold: Hold | None
) -> None:
    verdict = observed(*seen)
    assert (verdict.activity, verdict.hold) == (activity, hold)


def test_a_submitted_prompt_is_busy_before_the_registry_says_so() -> None:
    assert observed(registry("idle"), hook("UserPromptSubmit", at=T + 5)).hold is Hold.GENERATING


@pytest.mark.parametrize(
    "end",
    [
        hook("Stop", at=T + 9),
        hook("StopFailure", at=T + 9, error="unknown"),
        TurnSeen(session_id="s", prompt_id="p", at=T + 9),
        registry("idle", at=T + 9),
    ],
)
def test_any_witness_of_its_end_ends_it(end: Sighting) -> None:
    assert observed(registry("idle"), hook("UserPromptSubmit", at=T + 5), end).hold is None


def test_escape_leaves_no_busy_behind_though_no_hook_tells_of_it() -> None:
    story = (registry("busy"), hook("UserPromptSubmit", at=T + 5), registry("idle", at=T + 7))
    assert observed(*story).activity is Activity.IDLE


def test_a_prompt_whose_end_nobody_tells_is_over_after_silence() -> None:
    story = (registry("idle"), hook("UserPromptSubmit", at=T + 5))
    assert observed(*story, after_s=2.9).hold is Hold.GENERATING
    assert observed(*story, after_s=3.1).hold is None


def test_a_prompt_that_a_hook_forbade_leaves_no_busy_behind() -> None:
    blocked = PromptBlocked(session_id="s", text="no", reason="forbidden", at=T)
    assert observed(registry("idle"), hook("UserPromptSubmit", at=T + 5), blocked).hold is None


def test_redraws_do_not_make_a_prompt_longer() -> None:
    fusion = fused(registry("idle"), hook("UserPromptSubmit", at=T + 5))
    for tenth in range(10, 41):
        fusion.look(replace(VIEW, rows=(f"❯ {tenth}",)), EMPTY_BOX, now_s=tenth / 10)
    assert fusion.observe(now_s=4.05, now=T).hold is None


def test_a_hook_of_an_earlier_process_says_nothing_about_this_one() -> None:
    assert observed(registry("idle", at=T - 300), hook("UserPromptSubmit", at=T - 200)).hold is None


def test_a_subagents_hook_is_not_claudes() -> None:
    event = HookEvent(
        name="UserPromptSubmit",
        session_id="s",
        transcript_path="/t",
        prompt_id="p",
        at=T + 5,
        in_subagent=True,
    )
    assert observed(registry("idle"), HookSeen(event=event)).hold is None


def test_a_usage_limit_holds_until_its_own_time() -> None:
    at = datetime(2026, 11, 20, 14, 0, tzinfo=UTC).timestamp()
    story = (
        registry("idle"),
        hook("StopFailure", at=at, error="rate_limit", last_assistant_message="limit · resets 3:45pm"),
    )
    fusion = fused(*story)
    held = fusion.observe(now_s=9.0, now=at + 60)
    assert (held.activity, held.hold) == (Activity.LIMITED, Hold.USAGE_LIMIT)
    assert "Fri 15:45" in held.detail
    assert fusion.observe(now_s=9.0, now=at + 105 * 60).hold is None
    fusion.hear(hook("UserPromptSubmit", at=at + 30), now_s=9.0)
    assert fusion.observe(now_s=9.0, now=at + 60).hold is Hold.GENERATING


def test_a_look_counts_until_somebody_says_something_newer() -> None:
    fusion = fused(registry("idle"), EMPTY_BOX)
    assert fusion.observe(now_s=1.0, now=T).screen == EMPTY_BOX
    fusion.hear(registry("idle"), now_s=2.0)  # the same again is no news
    assert fusion.observe(now_s=2.0, now=T).screen == EMPTY_BOX
    fusion.hear(CaughtUp(), now_s=2.0)  # says nothing about Claude
    assert fusion.observe(now_s=2.0, now=T).screen == EMPTY_BOX
    fusion.hear(hook("Notification"), now_s=2.0)
    assert fusion.observe(now_s=2.0, now=T).screen is None


def test_the_last_change_is_the_last_word_or_the_last_redraw() -> None:
    fusion = fused(registry("idle"), EMPTY_BOX)
    assert fusion.observe(now_s=9.0, now=T).changed_s == 0.0
    fusion.look(VIEW, EMPTY_BOX, now_s=5.0)
    assert fusion.observe(now_s=9.0, now=T).changed_s == 0.0
    fusion.look(replace(VIEW, rows=("❯ x",)), replace(EMPTY_BOX, draft="x"), now_s=5.5)
    assert fusion.observe(now_s=9.0, now=T).changed_s == 5.5
    fusion.look(VIEW, EMPTY_BOX, now_s=900.0)  # it changed, but who knows when
    assert fusion.observe(now_s=900.0, now=T).changed_s == 5.5
    assert fusion.started_at == T - 100


SIGHTINGS = st.one_of(
    st.builds(
        registry,
        st.sampled_from(["idle", "busy", "waiting", "new word", ""]),
        at=st.floats(T, T + 100),
        waiting_for=st.sampled_from(["", "permission prompt", "dialog open"]),
    ),
    st.just(RegistrySeen(entry=None)),
    st.builds(
        hook,
        st.sampled_from(["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd"]),
        at=st.floats(T, T + 100),
        error=st.sampled_from(["rate_limit", "unknown"]),
    ),
    st.builds(Screen, kind=st.sampled_from(ScreenKind), busy=st.booleans(), login_needed=st.booleans()),
    st.builds(ProcessSeen, pid=st.sampled_from([None, 7, 8])),
)


@given(st.lists(SIGHTINGS, max_size=12))
def test_it_never_lets_pass_what_a_witness_objects_to(story: list[Sighting | Screen]) -> None:
    seen = fused(*story).observe(now_s=float(len(story)), now=T)
    if seen.hold is not None:
        return
    assert seen.activity is Activity.IDLE
    last_registry = [s for s in story if isinstance(s, RegistrySeen)][-1:]
    assert all(s.entry is None or s.entry.is_idle for s in last_registry) or any(
        isinstance(s, ProcessSeen) for s in story
    )
    if seen.screen is not None:
        assert seen.screen.kind is ScreenKind.PROMPT
        assert not seen.screen.busy
        assert not seen.screen.login_needed
