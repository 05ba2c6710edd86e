"""A real systemd for each module of tests, or for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.systemd.stand import SystemdStand


def _stand() -> Iterator[SystemdStand]:
    if os.geteuid() != 0:
        reason = "a systemd of its own needs root: sudo scripts/test tests/systemd"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with SystemdStand() as stand:
        yield stand


@pytest.fixture
def systemd() -> Iterator[SystemdStand]:
    """A systemd that this test alone has."""
    yield from _stand()


@pytest.fixture(scope="module")
def shared_systemd() -> Iterator[SystemdStand]:
    """A systemd that the tests of a module share."""
    yield from _stand()
