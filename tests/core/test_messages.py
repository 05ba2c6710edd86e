from ccmux.core.messages import FOLLOWS, OPEN_STATES, MessageState


def test_every_state_says_what_may_follow() -> None:
    assert set(FOLLOWS) == set(MessageState)


def test_no_state_follows_itself_and_nothing_follows_an_answer() -> None:
    assert all(state not in following for state, following in FOLLOWS.items())
    assert not FOLLOWS[MessageState.ANSWERED]


def test_typing_is_entered_from_the_queue_alone() -> None:
    assert [state for state, following in FOLLOWS.items() if MessageState.TYPING in following] == [
        MessageState.QUEUED
    ]


def test_what_is_open_can_still_end() -> None:
    assert all(FOLLOWS[state] for state in OPEN_STATES)
