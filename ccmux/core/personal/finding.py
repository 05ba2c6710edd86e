"""What a finding is. It knows nothing of how one is found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was found."""

    EMAIL = "email"
    JID = "jid"
    """An address of WhatsApp's: of a person, a group, a list."""
    PHONE = "phone"
    KEY = "key"
    """A password, a token, a private key."""
    PATH = "path"
    """A home folder: it has its owner's name."""
    HOST = "host"
    """A machine of a private network."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, at `text[start:end]`.

    Attributes:
        kind: What it is.
        start: Index of its first character.
        end: Index behind its last one.
        rule: What told it, like "bare-phone": for whoever asks why.

    """

    kind: Kind
    start: int
    end: int
    rule: str
