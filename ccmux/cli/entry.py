"""The console script's first step: what Claude's hooks wait for is done before anything large is loaded.

`ccmux live register` and `unregister`, with a relay named in the environment, become the shim that
`ccmux live install` writes into Claude's settings. All else is the command line's.
"""

from __future__ import annotations

import os
import sys


def entry() -> int:
    """Run the program's own command line."""
    argv = sys.argv[1:]
    if argv[:1] == ["live"] and argv[1:] in (["register"], ["unregister"]) and _is_told():
        from ccmux.cli.live_hook import become_hook

        become_hook(argv[1])
    from ccmux.cli.main import main

    return main(argv)


def _is_told() -> bool:
    return bool(os.environ.get("CC_LIVE_ENDPOINT") and os.environ.get("CC_LIVE_API_KEY"))
