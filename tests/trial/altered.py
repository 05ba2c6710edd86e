"""The demo agent, altered as another version of Claude Code might be."""

from __future__ import annotations

import sys
from pathlib import Path

ALTERATIONS = {
    "as it is": "",
    "swallows a character": """
enter = editor.Editor.enter
def less(self, paste_id):
    done = enter(self, paste_id)
    return done and editor.Submitted(done.prompt.replace("hell", "hel"), done.shown)
editor.Editor.enter = less
""",
    "shows no permission dialog": "sys.argv.append('--dangerously-skip-permissions')",
    "never fires Stop": """
handlers = hooks.Hooks._handlers
hooks.Hooks._handlers = lambda self, event, tool: [] if event == "Stop" else handlers(self, event, tool)
""",
}

_PROGRAM = """#!{python}
import os, sys
from ccmux.demo import editor, hooks
from ccmux.demo.main import entry
os.environ |= {{"CCMUX_DEMO_ANSWERS": "0", "CCMUX_DEMO_STARTUP": "trust"}}
if "--version" in sys.argv:
    print("9.8.7 (altered)")
    sys.exit()
{alteration}
entry()
"""


def altered(folder: Path, how: str) -> str:
    """Write the program into the folder and return its path."""
    path = folder / "claude"
    path.write_text(_PROGRAM.format(python=sys.executable, alteration=ALTERATIONS[how]))
    path.chmod(0o700)
    return str(path)
