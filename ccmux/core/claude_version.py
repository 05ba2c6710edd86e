"""Which Claude Code this ccmux was tested with, and how another one compares. It asks no program.

`scripts/test` takes the version from here.
"""

from __future__ import annotations

import re
from enum import StrEnum

TESTED = "2.1.329"
"""All facts about the CLI were measured on this version, and the tests run with it."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class Tried(StrEnum):
    """How a version compares with the tested one."""

    TESTED = "tested"
    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"
    """What it says of itself is no version."""


def version_in(text: str) -> str:
    """Return the version that `claude --version` printed, "" where there is none in it."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def compared(version: str) -> Tried:
    """Tell how a version like "2.1.330" compares with the tested one."""
    numbers, tested = _numbers(version), _numbers(TESTED)
    if not numbers:
        return Tried.UNKNOWN
    if numbers == tested:
        return Tried.TESTED
    return Tried.NEWER if numbers > tested else Tried.OLDER


def _numbers(version: str) -> list[int]:
    found = _VERSION.match(version)
    return [int(number) for number in found.groups()] if found else []
