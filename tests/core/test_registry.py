"""The registry file: read when whole, silent when half-written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.observation import RegistryEntry
from ccmux.core.registry import read_registry

REAL = {
    "pid": 9271,
    "sessionId": "a1b67202-ad2d-492f-9908-aba447d6d70f",
    "cwd": "/tmp/demo-project",
    "startedAt": 1795182448173,
    "procStart": "107876",
    "version": "2.1.329",
    "peerProtocol": 1,
    "peerFeatures": ["notify_idle"],
    "kind": "interactive",
    "entrypoint": "cli",
    "asksForConvertedSkills": None,
    "tmux": "x:@0.%0",
    "name": "demo-project-a3",
    "status": "waiting",
    "waitingFor": "permission prompt",
    "updatedAt": 1795182448002,
    "statusUpdatedAt": 1795182448002,
}
RAW = json.dumps(REAL).encode()


def test_a_whole_file() -> None:
    assert read_registry(RAW) == RegistryEntry(
        pid=9271,
        session_id="a1b67202-ad2d-492f-9908-aba447d6d70f",
        status="waiting",
        waiting_for="permission prompt",
        updated_at=1795182448.002,
        proc_start="107876",
        version="2.1.329",
    )


def test_what_may_be_absent_is_empty() -> None:
    entry = read_registry(b'{"pid": 1, "sessionId": "s", "procStart": 7, "waitingFor": null}')
    assert entry == RegistryEntry(
        pid=1, session_id="s", status="", waiting_for="", updated_at=0.0, proc_start="7"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        RAW + b'"}',
        RAW + RAW[-30:],
        b"[]",
        b"null",
        b'{"pid": "1", "sessionId": "s"}',
        b"{}",
        b"\xff",
    ],
)
def test_what_is_no_whole_entry_is_nothing(raw: bytes) -> None:
    assert read_registry(raw) is None


@given(st.integers(0, len(RAW) - 1))
def test_every_cut_file_is_nothing(length: int) -> None:
    assert read_registry(RAW[:length]) is None


@given(st.binary() | st.binary().map(lambda tail: b'{"pid": 1, "sessionId": "' + tail + b'"}'))
def test_it_never_raises(raw: bytes) -> None:
    read_registry(raw)
