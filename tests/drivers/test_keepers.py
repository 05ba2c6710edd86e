"""Two keepers as one: what either kept comes back once, and each is given what only the other one had."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ccmux.drivers.keepers import Keepers
from ccmux.ports import Keeper


class Memory:
    """The port Keeper, holding descriptors of its own; `bequeathed` is what it returns as kept, once."""

    def __init__(self) -> None:
        self.bequeathed: list[tuple[str, int]] = []
        self.held: dict[str, int] = {}

    def kept(self) -> Sequence[tuple[str, int]]:
        kept, self.bequeathed = self.bequeathed, []
        self.held |= {key: os.dup(fd) for key, fd in kept}
        return kept

    def keep(self, key: str, fd: int) -> None:
        if key not in self.held:
            self.held[key] = os.dup(fd)

    def drop(self, key: str) -> None:
        if key in self.held:
            os.close(self.held.pop(key))


@pytest.fixture
def two() -> Iterator[tuple[Memory, Memory]]:
    made = Memory(), Memory()
    yield made
    for one in made:
        for fd in one.held.values():
            os.close(fd)


def fifo(path: Path) -> int:
    """Make a FIFO that holds its own name."""
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, path.name.encode())
    return fd


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_is_told_to_hold_and_to_drop(two: tuple[Memory, Memory], tmp_path: Path) -> None:
    keepers: Keeper = Keepers(*two)
    fd = fifo(tmp_path / "in")
    keepers.keep("in~1", fd)
    assert [list(one.held) for one in two] == [["in~1"], ["in~1"]]
    keepers.drop("in~1")
    assert [list(one.held) for one in two] == [[], []]
    os.close(fd)


def test_what_both_kept_comes_back_once_and_what_one_kept_is_handed_to_the_other(
    two: tuple[Memory, Memory], tmp_path: Path
) -> None:
    both, first, second = (fifo(tmp_path / name) for name in ("in", "in.first", "in.second"))
    before = descriptors()
    again = os.dup(both)
    two[0].bequeathed = [("in~1", both), ("in.first~2", first)]
    two[1].bequeathed = [("in.second~3", second), ("in~1", again)]
    keepers = Keepers(*two)
    kept = dict(keepers.kept())
    assert kept == {"in~1": both, "in.first~2": first, "in.second~3": second}
    assert descriptors() == before + 6, "the second one is closed, and each holds three of its own"
    assert keepers.kept() == []
    for one in two:
        assert set(one.held) == set(kept)
        assert all(os.path.samestat(os.fstat(one.held[key]), os.fstat(fd)) for key, fd in kept.items())
    for fd in kept.values():
        os.close(fd)


def test_two_pipes_of_one_key_both_come_back(two: tuple[Memory, Memory], tmp_path: Path) -> None:
    old, new = fifo(tmp_path / "old"), fifo(tmp_path / "new")
    for one, fd in zip(two, (old, new), strict=True):
        one.bequeathed = [("in~1", fd)]
    assert [os.read(fd, 9) for _, fd in Keepers(*two).kept()] == [b"old", b"new"]
    os.close(old)
    os.close(new)
