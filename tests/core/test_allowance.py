from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core import allowance
from ccmux.core.allowance import Allowance, Places


def test_a_burst_is_had_at_once_and_then_so_many_a_second() -> None:
    allowed = Allowance(burst=3, per_second=2)
    assert [allowed.spend("a", now_s=0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert allowed.spend("a", now_s=0.25) == 0.25
    assert allowed.spend("a", now_s=0.5) == 0
    assert allowed.spend("a", now_s=0.5) == 0.5


def test_one_address_uses_up_nothing_of_another() -> None:
    allowed = Allowance(burst=1, per_second=1)
    assert allowed.spend("a", now_s=0) == 0
    assert allowed.spend("a", now_s=0) == 1
    assert allowed.spend("b", now_s=0) == 0


def test_who_is_refused_has_not_to_wait_longer_for_having_asked() -> None:
    allowed = Allowance(burst=1, per_second=1)
    allowed.spend("a", now_s=0)
    for _ in range(100):
        allowed.spend("a", now_s=0.5)
    assert allowed.spend("a", now_s=1) == 0


def test_who_rested_is_forgotten() -> None:
    allowed = Allowance(burst=10, per_second=1)
    allowed.spend("a", now_s=0)
    allowed.spend("b", now_s=1)
    allowed.forget_rested(now_s=9.9)
    assert len(allowed) == 2
    allowed.forget_rested(now_s=10)
    assert len(allowed) == 1


def test_so_many_addresses_are_known_and_those_that_asked_last_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "ADDRESSES", 2)
    allowed = Allowance(burst=1, per_second=1)
    for address in ("a", "b", "a", "c"):
        allowed.spend(address, now_s=0)
    assert len(allowed) == 2
    assert allowed.spend("a", now_s=0) == 1
    assert allowed.spend("b", now_s=0) == 0


@given(st.lists(st.floats(0, 5), max_size=60))
def test_nobody_has_more_than_a_burst_and_so_many_a_second(waits: list[float]) -> None:
    allowed = Allowance(burst=4, per_second=2)
    now_s, had = 0.0, 0
    for wait_s in waits:
        now_s += wait_s
        had += not allowed.spend("a", now_s=now_s)
        allowed.forget_rested(now_s=now_s)
        assert had <= 4 + 2 * now_s + 1e-6


def test_places_are_so_many_and_so_many_an_address() -> None:
    places = Places(total=3, an_address=2)
    assert places.refusal("a") == ""
    places.take("a")
    places.take("a")
    assert places.refusal("a") == "2 places are taken from your address; close some"
    assert places.refusal("b") == ""
    places.take("b")
    assert places.refusal("c") == "all 3 places are taken; come back later"
    assert len(places) == 3
    places.give_back("a")
    assert places.refusal("c") == ""
    assert places.refusal("a") == ""


def test_addresses_without_a_place_are_not_remembered() -> None:
    places = Places(total=10, an_address=2)
    for number in range(1_000):
        places.refusal(f"a{number}")
        places.take(f"a{number}")
        places.give_back(f"a{number}")
    assert len(places) == 0
    assert not places._taken
