"""The corpus of real screens: `tests/corpus/screens/<kind>/<name>.txt`.

A file's first line is JSON: the cursor, what must be read (`kind`, `draft`, `busy`, `dialog`, `login_needed`;
absent means empty or false), and, where something was pasted, `lead` and `body`. The rows follow as tmux 3.3a
captured them from Claude Code 2.1.329.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccmux.core.observation import PaneView

_SCREENS = Path(__file__).parent / "corpus" / "screens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    name: str
    view: PaneView
    expected: dict[str, Any]


def captured(name: str) -> Captured:
    """Return one screen by its path in the corpus, without `.txt`."""
    head, *rows = (_SCREENS / f"{name}.txt").read_text().removesuffix("\n").split("\n")
    expected = json.loads(head)
    column, row = expected["cursor"]
    view = PaneView(
        rows=tuple(rows),
        cursor=(column, row),
        in_mode=False,
        dead=expected.get("dead", False),
        human_idle_s=None,
    )
    return Captured(name=name, view=view, expected=expected)


def all_captured() -> list[Captured]:
    """Return the whole corpus, in the order of the names."""
    paths = sorted(_SCREENS.rglob("*.txt"))
    return [captured(str(path.relative_to(_SCREENS).with_suffix(""))) for path in paths]
