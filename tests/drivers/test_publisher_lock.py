import fcntl
import os
from pathlib import Path

from ccmux.drivers.publisher_lock import FilePublisherLock


def test_one_at_a_time_and_the_next_when_it_lets_go(tmp_path: Path) -> None:
    first, second = FilePublisherLock(tmp_path / "lock"), FilePublisherLock(tmp_path / "lock")
    assert first.take()
    assert first.take()
    assert not second.take()
    assert (first.is_held(), second.is_held()) == (True, False)
    first.release()
    first.release()
    assert second.take()
    assert not first.is_held()
    second.release()


def test_a_lock_from_who_started_us_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    inherited = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(inherited, fcntl.LOCK_EX)
    lock = FilePublisherLock(path, inherited=inherited)
    assert lock.take()
    assert not os.get_inheritable(inherited)
    assert not FilePublisherLock(path).take()
    lock.release()
    assert lock.take(), "from now on by its path"
    lock.release()


def test_a_descriptor_of_something_else_is_no_lock(tmp_path: Path) -> None:
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    (tmp_path / "lock").touch()
    assert not FilePublisherLock(tmp_path / "lock", inherited=other).take()
    assert not FilePublisherLock(tmp_path / "lock", inherited=9_999).take()


def test_who_lost_the_file_is_the_publisher_no_more(tmp_path: Path) -> None:
    lock = FilePublisherLock(tmp_path / "lock")
    assert lock.take()
    (tmp_path / "lock").unlink()
    assert not lock.is_held()
    (tmp_path / "lock").touch()
    assert not lock.is_held()
    lock.release()
    assert lock.take()
    lock.release()


def test_where_there_is_no_folder_nobody_is_the_publisher(tmp_path: Path) -> None:
    assert not FilePublisherLock(tmp_path / "none" / "lock").take()
