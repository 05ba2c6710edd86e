"""What a writer writes is what Claude is asked, to the character, on the real CLI and on the demo agent."""

from __future__ import annotations

import pytest

from ccmux.trial.bodies import BODIES
from ccmux.trial.fidelity import Result, Verdict
from tests.house.conftest import AGENTS
from tests.house.fidelity import run, table

NAMES = [body.name for body in BODIES]
REFUSED = {body.name for body in BODIES if body.content is None}


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> dict[str, dict[str, Result]]:
    """What became of every body, by agent and name: all houses run at once."""
    here = [item for item in request.session.items if item.path == request.path]
    agents = {item.callspec.params["agent"] for item in here if hasattr(item, "callspec")}
    found = run(sorted(agents))
    print(table(found))
    return {agent: {result.name: result for result in some} for agent, some in found.items()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_body_arrives_to_the_character_or_is_refused(
    results: dict[str, dict[str, Result]], agent: str, name: str
) -> None:
    result = results[agent].get(name)
    assert result is not None, "it was not tried: an earlier one broke the house"
    wanted = Verdict.REFUSED if name in REFUSED else Verdict.EXACT
    assert result.verdict is wanted, result.says


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200
