import pytest

from ccmux.core.session_plan import SessionPlan, plan_session


@pytest.mark.parametrize(
    ("hosted", "spoken", "exists", "plan"),
    [
        (None, False, False, SessionPlan(session_id="new", resume=False)),
        ("old", False, False, SessionPlan(session_id="new", resume=False)),
        ("old", True, True, SessionPlan(session_id="old", resume=True)),
        ("old", True, False, SessionPlan(session_id="new", resume=False, lost="old")),
    ],
)
def test_only_a_lost_transcript_ends_a_conversation(
    hosted: str | None, spoken: bool, exists: bool, plan: SessionPlan
) -> None:
    assert plan_session(hosted, spoken=spoken, transcript_exists=exists, new_id="new") == plan
