"""Finds mail addresses and WhatsApp's, wherever an @ stands. It never asks whether anybody reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccmux.core.personal.finding import Finding, Kind
from ccmux.core.personal.placeholders import is_no_number, is_nobodys_mailbox, is_reserved_domain

# Letters of Latin scripts alone: Chinese and its like are written up to an address without a blank.
_ALNUM = "A-Za-z0-9\u00c0-\u024f"

_JID = re.compile(
    r"@(?:s\.whatsapp\.net|c\.us|g\.us|lid|newsletter|broadcast)(?![A-Za-z0-9]|\.[A-Za-z])", re.IGNORECASE
)
_JID_LOCAL = re.compile(r"(?<![0-9])([0-9]{5,20})(?:[-:.][0-9]{1,20})*\Z")

_DOMAIN = re.compile(
    rf"@((?:[{_ALNUM}](?:[{_ALNUM}-]{{0,61}}[{_ALNUM}])?\.){{1,8}}[A-Za-z]{{2,24}})(?![{_ALNUM}_-])"
)
_LOCAL = re.compile(rf"[{_ALNUM}_](?:[{_ALNUM}_.%+'-]*[{_ALNUM}_+-])?\Z")
_LOCAL_CHARS = 64
"""RFC 5321; looked at behind the @."""

_URL_USER = re.compile(r"://[^\s/@]*:\Z")

_UNITS = frozenset(
    {"service", "timer", "target", "socket", "slice", "scope", "mount", "device", "path", "swap"}
)
"""`getty@tty1.service`: what stands behind the @ of a unit is no host."""
_FILES_WORDS = """
    conf cfg ini json jsonl toml yaml yml xml png jpg jpeg gif svg webp ico pdf html htm css js mjs ts tsx jsx
    txt csv log lock eml vcf local whl tar gz zip
"""
_FILES = frozenset(_FILES_WORDS.split())
"""Ends of files' names, and no top-level domains. An address may stand before one; `icon@2x.png` has none."""


def find(text: str) -> Iterator[Finding]:
    """Return the addresses in a text."""
    if "@" in text:
        yield from _jids(text)
        yield from _mails(text)


def _jids(text: str) -> Iterator[Finding]:
    for domain in _JID.finditer(text):
        local = _JID_LOCAL.search(text, max(0, domain.start() - _LOCAL_CHARS), domain.start())
        if local and not is_no_number(local[1]):
            yield Finding(Kind.JID, local.start(), domain.end(), "whatsapp")


def _mails(text: str) -> Iterator[Finding]:
    for domain in _DOMAIN.finditer(text):
        host = _host(domain[1])
        if not host or is_reserved_domain(host) or _JID.match(domain[0]):
            continue
        local = _LOCAL.search(text, max(0, domain.start() - _LOCAL_CHARS), domain.start())
        if local and not is_nobodys_mailbox(local[0]) and not _is_password_of_url(text, local.start()):
            yield Finding(Kind.EMAIL, local.start(), domain.start(1) + len(host), "email")


def _host(domain: str) -> str:
    """Return the part of what looks like a domain that is one, "" where none is."""
    labels = domain.split(".")
    if labels[-1].lower() in _UNITS:
        return ""
    while labels[-1].lower() in _FILES:
        labels.pop()
    return ".".join(labels) if len(labels) > 1 and labels[-1].isalpha() and len(labels[-1]) > 1 else ""


def _is_password_of_url(text: str, start: int) -> bool:
    """Whether this is `pass@host` of `https://user:pass@host`: `keys.py` judges those."""
    return _URL_USER.search(text, max(0, start - _LOCAL_CHARS), start) is not None
