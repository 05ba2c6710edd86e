"""Claims, prices, registrations, standings: what counting and watching sessions stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.live.claims import Claim, Claims, number
from ccmux.core.live.prices import Usage, cost_of
from ccmux.core.live.registration import (
    Registration,
    Unregistration,
    read_registration,
    registration_text,
)
from ccmux.core.live.standing import FORGET_S, STALE_S, Life, Standing, standing_of


def claim(claims: Claims, session: str, message: str, request: str = "", *, aside: bool = False) -> Claim:
    return claims.claim(session, message, request, sidechain=aside)


def test_a_response_is_whose_session_showed_it_first() -> None:
    claims = Claims()
    assert claim(claims, "a", "m", "r") is Claim.NEW
    assert claim(claims, "a", "m", "r") is Claim.OURS
    assert claim(claims, "b", "m", "r") is Claim.THEIRS
    claims.drop("a")
    assert claim(claims, "b", "m", "r") is Claim.NEW


def test_the_same_message_id_of_two_requests_is_two_responses() -> None:
    claims = Claims()
    told = [claim(claims, "a", "m", request) for request in ("r", "q", "r", "q", "p")]
    assert told == [Claim.NEW, Claim.NEW, Claim.OURS, Claim.OURS, Claim.NEW]


def test_an_unknown_request_and_a_sidechains_are_any() -> None:
    claims = Claims()
    assert claim(claims, "a", "m", "r") is Claim.NEW
    assert claim(claims, "a", "m") is Claim.OURS
    assert claim(claims, "b", "m", "q", aside=True) is Claim.THEIRS
    assert claim(claims, "a", "n", "q", aside=True) is Claim.NEW
    assert claim(claims, "a", "n", "r") is Claim.OURS


def test_what_was_claimed_is_news_once_and_can_be_restored() -> None:
    claims = Claims()
    claim(claims, "a", "m", "r")
    news = claims.news("a")
    assert list(news) == [number("m")]
    assert claims.news("a") == {}
    later = Claims()
    later.restore("a", news.items())
    assert claim(later, "a", "m", "r") is Claim.OURS
    assert claim(later, "b", "m", "r") is Claim.THEIRS
    assert later.news("a") == {}


def test_a_number_fits_a_database_and_is_the_same_for_ever() -> None:
    assert number("msg_1") == 17_406_758_821_355_366
    assert 0 <= number("") < 2**63


@pytest.mark.parametrize(
    ("usage", "model", "dollars"),
    [
        (Usage(1_000_000, 0, 0, 0, 0), "claude-opus-4-8", 5.0),
        (Usage(0, 0, 0, 0, 1_000_000), "claude-haiku-4-5-20251001", 5.0),
        (Usage(0, 1_000_000, 0, 0, 0), "claude-sonnet-4-6", 3.75),
        (Usage(0, 1_000_000, 1_000_000, 0, 0), "claude-sonnet-4-6", 6.0),
        (Usage(0, 0, 0, 1_000_000, 0), "claude-sonnet-4-6[1m]", 0.3),
        (Usage(), "claude-opus-4-8", 0.0),
    ],
)
def test_tokens_cost_what_the_price_page_says(usage: Usage, model: str, dollars: float) -> None:
    assert cost_of(usage, model) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "model", ["", "claude-opus-5-5", "claude-opus-4-8-fast", "gpt-7", "claude-opus-4-8-2025"]
)
def test_a_model_that_nobody_here_knows_has_no_price(model: str) -> None:
    assert cost_of(Usage(1), model) is None


HOOK = b'{"session_id":"s","transcript_path":"/t","cwd":"/c","model":"m","hook_event_name":"SessionStart"}'


def test_a_registration_says_what_hook_and_shim_know() -> None:
    assert read_registration(b"register 17 1\n" + HOOK, at=5.0) == Registration(
        session_id="s", transcript_path="/t", cwd="/c", model="m", pid=17, sensitive=True, at=5.0
    )
    bare = read_registration(b'register 0 0\n{"session_id":"s","cwd":null}', at=5.0)
    assert bare == Registration(session_id="s", at=5.0)


@pytest.mark.parametrize(("reason", "cleared"), [('"clear"', True), ('"other"', False), ("null", False)])
def test_an_end_says_whether_another_session_follows(reason: str, cleared: bool) -> None:
    content = b'unregister 1 0\n{"session_id":"s","reason":%b}' % reason.encode()
    assert read_registration(content, at=0) == Unregistration("s", cleared=cleared)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HOOK,
        b"register 1 0",
        b"register 1 2\n" + HOOK,
        b"register -1 0\n" + HOOK,
        b"forget 1 0\n" + HOOK,
        b"register 1 0\n",
        b"register 1 0\n{",
        b"register 1 0\n[]",
        b"register 1 0\n{}",
        b'register 1 0\n{"session_id":""}',
        b'register 1 0\n{"session_id":7}',
        b'register 1 0\n{"session_id":"\xff"}',
        b"register 1 0\n" + b"[" * 100_000,
    ],
)
def test_what_nobody_understands_is_no_registration(content: bytes) -> None:
    assert read_registration(content, at=0) is None


@given(st.text(min_size=1), st.text(), st.text(), st.integers(0, 10**9), st.booleans(), st.floats(0, 10**10))
def test_what_a_daemon_writes_is_read_back(
    id_: str, path: str, cwd: str, pid: int, sensitive: bool, at: float
) -> None:
    told = Registration(session_id=id_, transcript_path=path, cwd=cwd, pid=pid, sensitive=sensitive, at=at)
    assert read_registration(registration_text(told), at=at) == told


@pytest.mark.parametrize("cleared", [True, False])
def test_an_end_is_read_back_too(cleared: bool) -> None:
    told = Unregistration("s", cleared=cleared)
    assert read_registration(registration_text(told), at=0) == told


A, Q, G = Standing.ACTIVE, Standing.QUIET, Standing.GONE
STANDINGS = {
    "just registered": (Life.LIVES, 0, None, 10, A),
    "no transcript for long": (Life.LIVES, 0, None, STALE_S, Q),
    "its transcript changed lately": (Life.LIVES, 0, 5_000, 5_000 + STALE_S - 1, A),
    "idle": (Life.LIVES, 0, 5_000, 5_000 + STALE_S, Q),
    "idle for days": (Life.LIVES, 0, 5_000, 10 * FORGET_S, Q),
    "registered again": (Life.LIVES, 9_000, 5_000, 9_001, A),
    "crashed": (Life.ENDED, 0, 5_000, 5_001, G),
    "nobody knows its process": (Life.UNKNOWN, 0, 5_000, 5_001, A),
    "nobody knows, and it is idle": (Life.UNKNOWN, 0, 5_000, 5_000 + STALE_S, Q),
    "nobody knows, for a day": (Life.UNKNOWN, 0, 5_000, 5_000 + FORGET_S, G),
    "the clock went back": (Life.LIVES, 9_000, 5_000, 10, A),
}


@pytest.mark.parametrize(
    ("life", "registered", "changed", "now", "standing"), STANDINGS.values(), ids=STANDINGS
)
def test_process_and_transcript_say_how_a_session_stands(
    life: Life, registered: float, changed: float | None, now: float, standing: Standing
) -> None:
    assert standing_of(life, registered_at=registered, changed_at=changed, now=now) is standing
