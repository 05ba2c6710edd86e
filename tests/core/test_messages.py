from ccmux.core.messages import FOLLOWS, OPEN_STATES, UNPROVED_STATES, MessageState


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


def test_what_waits_is_open_and_no_witness_has_spoken_of_it() -> None:
    assert OPEN_STATES - {MessageState.SUBMITTED, MessageState.STARTED} == UNPROVED_STATES
