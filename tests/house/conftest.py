"""A stand for each test of the whole house, with the real CLI and with the demo agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house.stand import Stand, remove, short_folder

AGENTS = ["demo", pytest.param("real", marks=pytest.mark.real_claude)]


@pytest.fixture(params=AGENTS)
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """A stand that is not started yet; `args` of the test's `claude_args` mark are Claude's."""
    mark = request.node.get_closest_marker("claude_args")
    folder = short_folder()
    try:
        with Stand(folder, agent=request.param, **({"args": mark.args} if mark else {})) as made:
            yield made
    finally:
        remove(folder)
