"""Finds home folders, which bear their owner's name, and hosts of private networks. It looks at no disk."""

from __future__ import annotations

import re
from collections.abc import Iterator

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

_HOST_HINTS = (
    *(".lan", ".home", ".intranet", ".localdomain", ".ts.net"),
    *(".local", ".internal", ".corp", ".private", "fritz.box"),
)

_NOBODYS_HOSTS = re.compile(
    r"(?:.*\.)?localhost\.localdomain|metadata\.google\.internal|(?:host|gateway|kubernetes)\.docker\.internal"
    r"|.*\.(?:svc|cluster)\.(?:cluster\.)?local|(?:my|your|some)?-?(?:host|hostname|name|machine|server)\..*"
    r"|(?:.*\.)?example\..*"
)


def find(text: str) -> Iterator[Finding]:
    """Return the home folders and hosts in a text."""
    if any(hint in text for hint in _HOME_HINTS):
        for home in _HOMES.finditer(text):
            name = home[1].rstrip(".")
            if not is_no_user(name):
                yield Finding(Kind.PATH, home.start(), home.start(1) + len(name), "home")
    if any(hint in text for hint in _HOST_HINTS):
        for pattern in (_ALWAYS_PRIVATE, _PRIVATE_WHERE_A_HOST_STANDS):
            for host in pattern.finditer(text):
                if not _NOBODYS_HOSTS.fullmatch(host[0].lower()):
                    yield Finding(Kind.HOST, host.start(), host.end(), "private-host")
