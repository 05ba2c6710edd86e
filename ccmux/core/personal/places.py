"""Finds home folders, which bear their owner's name, and hosts of private networks. It looks at no disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ccmux.core.personal.finding import Finding, Kind
from ccmux.core.personal.placeholders import is_no_user

_END = r"""\s/\\"'`<>:;,|()\[\]{}*?$%&=#!\u3000-\u303f\uff00-\uffef\u2026"""
"""What no name of a user has: also the punctuation of East Asia, which follows without a blank."""

_HOMES = re.compile(
    rf"""
    (?: (?<![A-Za-z0-9_.~$}}\])-]) /(?:mnt/[a-z]/|var/|export/|usr/|[a-z]/)?(?:home|Users)/
      | (?<![A-Za-z])[A-Za-z]:[\\/]{{1,2}}(?:Users|Documents\ and\ Settings)[\\/]{{1,2}}
      | (?<![A-Za-z0-9-])-(?:home|Users)-(?=[A-Za-z0-9_]+-)    # as Claude Code names a project's folder
    )
    ( (?<=-)[A-Za-z0-9_]+ | (?<!-)(?:[A-Za-z0-9_.\u00c0-\u024f-]+ | [^{_END}]+) )
    """,
    re.VERBOSE,
)
_HOME_HINTS = ("home", "Users", "Documents and")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_END_OF_HOST = r"(?![A-Za-z0-9_(-]|\.[A-Za-z0-9_])"
_ALWAYS_PRIVATE = re.compile(
    rf"(?<![A-Za-z0-9_.-])(?:{_LABEL}\.){{1,5}}(?:lan|home\.arpa|intranet|localdomain|ts\.net){_END_OF_HOST}"
)
_PRIVATE_WHERE_A_HOST_STANDS = re.compile(
    rf"""
    (?: (?<=://) | (?<=@) | (?<=ssh\ ) | (?<=ping\ ) | (?<=Host\ ) )
      (?:{_LABEL}\.){{1,5}}(?:local|internal|corp|home|private|fritz\.box){_END_OF_HOST}
    | (?<![A-Za-z0-9_./-])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+\.(?:local|internal|corp|home){_END_OF_HOST}
    """,
    re.VERBOSE,
)
"""These endings are also parts of names in code (`settings.local`), so more must speak for a host."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_PRIVATE_WHEREVER_IT_STANDS = re.compile(
    rf"""
    (?<![A-Za-z0-9_.-])(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{{0,61}}[A-Za-z0-9_])?\.){{1,5}}
      (?:lan|home\.arpa|intranet|localdomain|ts\.net|local|internal|corp|fritz\.box){_END_OF_HOST}
    | (?<![A-Za-z0-9.])                                    # RFC 1918, 3927, 6598
      (?: 10\.{_OCTET} | 172\.(?:1[6-9]|2[0-9]|3[01]) | 192\.168 | 169\.254
        | 100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])
      )\.{_OCTET}\.{_OCTET}(?![0-9]|\.[0-9])
    | (?<![A-Za-z0-9:.])(?:f[cd][0-9a-f]{{2}}|fe[89ab][0-9a-f])(?::[0-9a-f]{{0,4}}){{2,7}}(?![A-Za-z0-9:])
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Names in code and version numbers are found, too."""

_HOST_HINTS = (
    *(".lan", ".home", ".intranet", ".localdomain", ".ts.net"),
    *(".local", ".internal", ".corp", ".private", "fritz.box"),
)

_EVERYBODYS_HOSTS = (
    r"(?:.*\.)?localhost\.localdomain|metadata\.google\.internal"
    r"|(?:host|gateway|kubernetes)\.docker\.internal"
)
_IS_EVERYBODYS_HOST = re.compile(_EVERYBODYS_HOSTS)
_IS_NOBODYS_HOST = re.compile(
    rf"{_EVERYBODYS_HOSTS}|.*\.(?:svc|cluster)\.(?:cluster\.)?local|(?:my|your|some)?-?(?:host|hostname|name|machine|server)\..*"
    r"|(?:.*\.)?example\..*"
)


def find(text: str, *, strict: bool) -> Iterator[Finding]:
    """Return the home folders and hosts in a text; `strict`: as `find_personal` says."""
    yield from _homes(text, is_nobodys=_is_no_name if strict else is_no_user)
    if strict:
        patterns = (_PRIVATE_WHEREVER_IT_STANDS, _PRIVATE_WHERE_A_HOST_STANDS)
        yield from _hosts(text, patterns, _IS_EVERYBODYS_HOST)
    elif any(hint in text for hint in _HOST_HINTS):
        yield from _hosts(text, (_ALWAYS_PRIVATE, _PRIVATE_WHERE_A_HOST_STANDS), _IS_NOBODYS_HOST)


def _homes(text: str, *, is_nobodys: Callable[[str], bool]) -> Iterator[Finding]:
    if any(hint in text for hint in _HOME_HINTS):
        for home in _HOMES.finditer(text):
            name = home[1].rstrip(".")
            if not is_nobodys(name):
                yield Finding(Kind.PATH, home.start(), home.start(1) + len(name), "home")


def _hosts(
    text: str, patterns: Sequence[re.Pattern[str]], is_no_secret: re.Pattern[str]
) -> Iterator[Finding]:
    for pattern in patterns:
        for host in pattern.finditer(text):
            if not is_no_secret.fullmatch(host[0].lower()):
                yield Finding(Kind.HOST, host.start(), host.end(), "private-host")


def _is_no_name(name: str) -> bool:
    return not any(char.isalnum() for char in name)
