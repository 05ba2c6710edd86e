"""Live status: one publisher tells a relay what the Claude Code sessions of this user do.

`book` knows the sessions and reads their transcripts, `sending` brings the newest word to the relay,
`publisher` runs both for whoever is the publisher; `share` lets a daemon take part with its own session.
"""

from __future__ import annotations

from ccmux.services.live.book import Book
from ccmux.services.live.publisher import LivePublisher
from ccmux.services.live.sending import Sending
from ccmux.services.live.share import LiveShare

__all__ = ["Book", "LivePublisher", "LiveShare", "Sending"]
