"""What looks personal and belongs to nobody. It decides about single words, never about their line.

Sources: RFC 2606 and 6761 (names for examples), the North American Numbering Plan (555-0100 to 555-0199) and
Ofcom (numbers for drama), and what documentation everywhere writes for "a user" and "a password".
"""

from __future__ import annotations

import re

_RESERVED_DOMAIN = re.compile(
    r"(?:^|.*\.)(?:example|test|invalid|localhost|example\.(?:com|net|org|edu))", re.IGNORECASE
)
_ROLES = frozenset({"git", "noreply", "no-reply", "donotreply"})
"""Local parts of programs: nobody reads them."""

_USERS_WORDS = """
    user users username user1 user2 you yourname your-name your_name me myuser myname name someone somebody
    nobody anyone alice bob carol foo bar baz example test tester testuser dev developer ubuntu debian
    ec2-user vagrant pi node app runner runneradmin git www-data shared public default root admin
    administrator linuxbrew
"""
_USERS = frozenset(_USERS_WORDS.split())

_DRAMA = re.compile(
    r"""
    (?:\+?1)?[2-9]\d\d(?:55501)\d\d       # North America
    | (?:\+?44|0)7700900\d{3}             # United Kingdom, mobile
    | (?:\+?44|0)(?:20794|1632960)\d*     # United Kingdom, London and nowhere
    """,
    re.VERBOSE,
)
_COUNTED = "01234567890123456789"

_SAID = re.compile(
    r"example|change[-_ ]?me|placeholder|dummy|fake|redacted|your[-_ ]|xxxx|\*\*\*"
    r"|<[^<>]*>|\{[^{}]*\}|\$\w|%[sd(]|\.\.\.|…",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"(?:my|the|a|an|some|no|old|new|test|wrong|bad|good|secret|token|password|passwd|pass|key|api|auth|bearer|value"
    r"|string|none|null|true|false|required|optional|hidden|invalid|valid|empty|unknown|default|admin|user|root"
    r"|[-_. :/]|\d{1,3}(?!\d))+",
    re.IGNORECASE,
)
_FEW = 3


def is_reserved_domain(domain: str) -> bool:
    """Whether nobody can own this domain."""
    return _RESERVED_DOMAIN.fullmatch(domain) is not None


def is_nobodys_mailbox(local: str) -> bool:
    """Whether this part before the @ is a program's."""
    return local.lower() in _ROLES


def is_no_user(name: str) -> bool:
    """Whether this is what documentation calls a user, or no name at all."""
    return name.lower() in _USERS or not any(char.isalpha() for char in name)


def is_no_number(digits: str) -> bool:
    """Whether nobody can be called by these digits, with a + or without: a fiction, a count, a pattern."""
    plain = digits.lstrip("+")
    tail = plain[-8:]
    return (
        len(set(plain)) < _FEW
        or len(set(tail)) == 1
        or tail in _COUNTED
        or tail in _COUNTED[::-1]
        or _DRAMA.fullmatch(digits) is not None
    )


def is_no_token(text: str) -> bool:
    """Whether this has the form of a key and says itself that it is none, or was made up by holding a key."""
    body = re.split("[_-]", text.rstrip("_-"))[-1]
    return "EXAMPLE" in text.upper() or len(set(body)) <= _FEW or body[:10] in {"1234567890", "abcdefghij"}


def is_no_password(text: str) -> bool:
    """Whether what stands in a password's place is a word for one, or a variable."""
    return len(set(text)) <= _FEW or _SAID.search(text) is not None or _WORDS.fullmatch(text) is not None
