"""ccmux keeps Claude Code running in tmux and gives it Unix ears and a mouth."""

__version__ = "0.1.0"
