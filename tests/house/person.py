"""A person types into the box at the very moment ccmux types there: who gets what?

    python -m tests.house.person demo 200      so many injections, and a table

Nothing of theirs may go out with ours, nothing may be lost, and ours goes out once, alone.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ccmux.core.echo import Echo, echo_of
from ccmux.core.observation import Screen
from ccmux.trial.bodies import TS
from tests.house.stand import Follower, Person, Stand, remove, short_folder, until

WINDOWS_S = (0.02, 0.12)
"""The person begins so long after ccmux, at the most: before its Enter, or some time around it."""


def screen_of(stand: Stand) -> Screen:
    """Return what the pane shows, read as ccmux reads it."""
    return stand.seen()[0]


def run(agent: str, rounds: int, seed: int) -> Counter[str]:
    """Try so many injections on a house of their own; return how often the person's keys came where."""
    folder = short_folder()
    try:
        with Stand(folder, agent=agent) as stand:
            stand.settings["timing"] = {"idle_threshold": 0}
            stand.start()
            with stand.attached() as person, stand.following(types=["message"]) as events:
                trial = _Trial(stand, person, events, random.Random(seed))
                found = Counter(trial.round(number) for number in range(rounds))
                until(lambda: len(stand.prompts()) >= rounds, "every prompt is in the transcript")
                prompts = [prompt[7:] for prompt in stand.prompts()]
                assert prompts == [f"default] m{number}" for number in range(rounds)], prompts
                return found
    finally:
        remove(folder)


class _Trial:
    def __init__(self, stand: Stand, person: Person, events: Follower, chance: random.Random) -> None:
        self._stand = stand
        self._person = person
        self._events = events
        self._chance = chance

    def round(self, number: int) -> str:
        """Send a message and press keys while it is typed; say where they went, and clean up."""
        stand, theirs = (
            self._stand,
            "".join(self._chance.choices("abcdefgh", k=self._chance.choice([1, 1, 3]))),
        )
        stand.write({"content": f"m{number}", "ts": TS})
        self._events.until("message", state="typing")
        time.sleep(self._chance.uniform(0, self._chance.choice(WINDOWS_S)))
        for key in theirs:
            self._person.pressed(key)
            time.sleep(self._chance.uniform(0, 0.03))
        ours = f"[{time.strftime('%H:%M', time.localtime(TS))} default] m{number}"
        draft = ""

        def is_drawn() -> bool:
            nonlocal draft
            draft = screen_of(stand).draft.strip()
            rest = draft.replace("\n", "")
            for char in theirs:
                rest = rest.replace(char, "", 1) if char in rest else rest + "?"
            # What is left beside theirs is ours, whole, or nothing: theirs stands there to the key.
            return rest == "" or echo_of(rest, lead="", body=ours) is Echo.OURS or _alike(rest, ours)

        until(is_drawn, lambda: f"{theirs!r} in the box, with {ours!r} or alone; it holds {draft!r}")
        if draft == theirs:
            self._person.pressed("\x15")
            self._events.until_sent()
            return "behind ours, or before it was pasted"
        for _ in range(3):  # ccmux holds: nothing goes out
            time.sleep(0.1)
            assert screen_of(stand).draft.strip() == draft
        self._person.pressed("\x7f" * len(theirs))
        self._events.until_sent()
        return "beside ours: held until taken away"


def _alike(rest: str, ours: str) -> bool:
    """Tell whether these are the same characters: removing theirs one by one may have taken ours."""
    return sorted(rest.replace(" ", "")) == sorted(ours.replace(" ", ""))


def main(arguments: Sequence[str]) -> int:
    """Run many injections in some houses at once and print the table."""
    agent, rounds, houses = arguments[0], int(arguments[1]), int([*arguments, "2"][2])
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda seed: run(agent, rounds // houses, seed), range(houses))
        total = sum(found, Counter[str]())
    for where, count in total.most_common():
        print(f"{agent}: {count:4} {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
