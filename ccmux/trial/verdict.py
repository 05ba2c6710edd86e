"""Says what a trial's results mean for an upgrade: safe or not, in one sentence. It runs nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ccmux.trial.run import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Which Claude Codes it is about; each like "2.1.329".

    Attributes:
        tried: The one that was tried.
        in_use: The one ccmux starts; "" where there is none, or it does not say.
        tested: The one this ccmux was tested with.

    """

    tried: str
    in_use: str
    tested: str


def is_safe(results: Sequence[Result]) -> bool:
    """Whether every case passed, and there was one."""
    return bool(results) and all(result.passed for result in results)


def sentence(results: Sequence[Result], versions: Versions, *, fails_in_use: Collection[str]) -> str:
    """Return the verdict for a person.

    Args:
        results: Of the version that was tried.
        versions: Which one that was.
        fails_in_use: Names of the failed cases that fail with the version in use as well.

    """
    tried = f"Claude Code {versions.tried}" + (
        ", the one in use," if versions.tried == versions.in_use else ""
    )
    if is_safe(results):
        return f"safe: {tried} passed all {len(results)} cases"
    failed = [result.name for result in results if not result.passed]
    told = f"not safe: {tried} failed in {len(failed)} of {len(results)} cases ({'; '.join(failed)})"
    if failed and set(failed) <= set(fails_in_use):
        return f"{told}, and {versions.in_use} fails in them as well: see ccmux doctor first"
    return f"{told}; {_way_out(versions)}"


def _way_out(versions: Versions) -> str:
    if versions.in_use not in {"", versions.tried}:
        return f"stay with {versions.in_use}"
    if versions.tried != versions.tested:
        return f"use {versions.tested}, which this ccmux was tested with"
    return "see ccmux doctor"
