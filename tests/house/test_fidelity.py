"""What a writer writes is what Claude is asked, to the character, on the real CLI and on the demo agent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ccmux.trial.bodies import BODIES, Body
from ccmux.trial.fidelity import Verdict
from tests.house.conftest import AGENTS
from tests.house.fidelity import SHARES, run_house

NAMES = [body.name for body in BODIES]


# A test a house: one a body would start the houses anew in every process that runs some of them.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("bodies", SHARES, ids=["I", "II", "III", "IV"])
def test_every_body_arrives_to_the_character_or_is_refused(agent: str, bodies: Sequence[Body]) -> None:
    results = run_house(agent, bodies)
    wanted = {body.name: Verdict.REFUSED if body.content is None else Verdict.EXACT for body in bodies}
    wrong = [
        f"{one.name}: {one.verdict}: {one.says}" for one in results if one.verdict is not wanted[one.name]
    ]
    assert not wrong, "\n".join(wrong)
    assert [one.name for one in results] == list(wanted), "the rest was not tried"


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200
    assert sorted(body.name for share in SHARES for body in share) == sorted(NAMES)
