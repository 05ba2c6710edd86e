"""tmux: builds the hosted session, and carries looks, pastes and keys through one control-mode client.

Nothing outside our own session, window and pane is ever configured. Needs tmux 3.2 or later; what is said
here of tmux was measured on 3.3a, see tests/drivers/test_tmux.py.
"""

from ccmux.drivers.tmux.pane import KEYS, ClaudePane
from ccmux.drivers.tmux.server import TmuxServer

__all__ = ["KEYS", "ClaudePane", "TmuxServer"]
