"""Sends every body of the corpus through houses of both agents, and tells what became of each.

python -m tests.house.fidelity [demo] [real]      prints the table
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ccmux.trial.bodies import BODIES, Body
from ccmux.trial.fidelity import Result, Verdict, send_all
from tests.house.stand import Stand, remove, short_folder

SHARES = tuple(BODIES[first::4] for first in range(4))
"""A house takes its bodies one after the other; four take a quarter of the time."""


def run(agents: Sequence[str]) -> dict[str, list[Result]]:
    """Try all bodies on each agent: in houses that mostly wait, so all at once."""
    with ThreadPoolExecutor() as pool:
        tried = [(agent, pool.submit(run_house, agent, bodies)) for agent in agents for bodies in SHARES]
        return {
            agent: [r for whose, some in tried if whose == agent for r in some.result()] for agent in agents
        }


def run_house(agent: str, bodies: Sequence[Body]) -> list[Result]:
    """Try bodies on one house, one after the other."""
    folder = short_folder()
    try:
        with Stand(folder, agent=agent) as stand:
            results = send_all(stand, bodies)
            if len(results) < len(bodies):
                stand.show()
            return results
    finally:
        remove(folder)


def table(results: dict[str, list[Result]]) -> str:
    """Return the table for a person, and what went wrong below it."""
    lines = [f"{'agent':8}{'cases':>8}" + "".join(f"{verdict:>24}" for verdict in Verdict)]
    for agent, some in results.items():
        counts = Counter(result.verdict for result in some)
        lines.append(f"{agent:8}{len(some):8}" + "".join(f"{counts[verdict]:24}" for verdict in Verdict))
    bad = {Verdict.WRONG, Verdict.STRAY}
    lines += [
        f"{agent}: {result.name}: {result.verdict}: {result.says}"
        for agent, some in results.items()
        for result in some
        if result.verdict in bad
    ]
    return "\n".join(lines)


def main(agents: Sequence[str]) -> int:
    """Try all bodies on each agent at once and print the table."""
    began = time.monotonic()
    print(table(run(agents)))
    print(f"{time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["demo", "real"]))
