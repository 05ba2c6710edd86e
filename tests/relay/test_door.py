from __future__ import annotations

from structlog.testing import capture_logs

from ccmux.core.visitors import read_networks
from ccmux.relay.door import Door

RIGHT = "Bearer the-key"


class At:
    """A clock that stands where it was put."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def door(clock: At | None = None) -> Door:
    return Door(key="the-key", proxies=read_networks(["127.0.0.1"]), clock=clock or At())


def test_who_has_the_key_is_known() -> None:
    for said, has_key in {
        RIGHT: True,
        "bearer  the-key ": True,
        "": False,
        "the-key": False,
        "Basic the-key": False,
        "Bearer the-ke": False,
        "Bearer the-key2": False,
        "Bearer schlüssel": False,
    }.items():
        assert door().comes("192.0.2.1", forwarded_for=[], authorization=said).has_key == has_key, said


def test_who_comes_too_often_has_to_wait_and_nobody_else() -> None:
    clock = At()
    the_door = door(clock)
    while not (wait_s := the_door.comes("192.0.2.1", forwarded_for=[]).wait_s):
        pass
    assert wait_s == 1
    assert the_door.comes("192.0.2.2", forwarded_for=[]).wait_s == 0
    assert the_door.comes("127.0.0.1", forwarded_for=["192.0.2.1"]).wait_s == 1
    clock.now_s = 1
    assert the_door.comes("192.0.2.1", forwarded_for=[]).wait_s == 0


def test_who_has_the_key_is_not_kept_out_by_those_who_try_others() -> None:
    the_door = door()
    while not the_door.comes("192.0.2.1", forwarded_for=[], authorization="Bearer x").wait_s:
        pass
    assert the_door.comes("192.0.2.1", forwarded_for=[], authorization=RIGHT).wait_s == 0
    while not the_door.comes("192.0.2.1", forwarded_for=[], authorization=RIGHT).wait_s:
        pass


def test_a_proxy_that_is_not_named_is_told_of_once() -> None:
    the_door = door()
    with capture_logs() as log:
        for _ in range(3):
            the_door.comes("127.0.0.1", forwarded_for=["192.0.2.1"])
            the_door.comes("192.0.2.7", forwarded_for=["192.0.2.1"])
    assert [line["address"] for line in log] == ["192.0.2.7"]
    assert "--proxies" in log[0]["event"]
