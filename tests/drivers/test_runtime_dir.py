"""The runtime directory is ours alone and one daemon's alone, or we refuse it and say the way out."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ccmux.core.errors import AlreadyRunning, RuntimeDirUnsafe
from ccmux.drivers.runtime_dir import RunningDaemon, RuntimeDir

HOLD = """
import sys
from pathlib import Path
from ccmux.drivers.runtime_dir import RuntimeDir
with RuntimeDir(Path(sys.argv[1]), project="first").hold():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "run time"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_with_its_parents_and_stays_when_the_daemon_ends(path: Path) -> None:
    with RuntimeDir(path, project="p").hold():
        assert mode(path) == 0o700
        assert mode(path.parent) == 0o700
        (path / "in.x").touch()
    assert (path / "in.x").exists()


def test_an_own_private_directory_is_taken_as_it_is(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True)
    (path / "in.x").touch()
    with RuntimeDir(path, project="p").hold():
        assert (path / "in.x").exists()


@pytest.mark.parametrize("bits", [0o755, 0o701, 0o770])
def test_one_that_others_can_reach_into_is_refused_with_the_command_that_mends_it(
    path: Path, bits: int
) -> None:
    path.mkdir(parents=True)
    path.chmod(bits)
    os.mkfifo(path / "in.mail")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path / "control.sock"))
    with pytest.raises(RuntimeDirUnsafe, match=rf"mode 0{bits:o}.*`chmod 700 '{path}'`"):
        RuntimeDir(path, project="p").hold().__enter__()
    assert mode(path) == bits


@pytest.mark.parametrize("name", ["passwd", "in"])
def test_an_open_one_with_files_of_others_is_not_to_be_closed(path: Path, name: str) -> None:
    path.mkdir(parents=True)
    path.chmod(0o755)
    (path / name).touch()
    with pytest.raises(RuntimeDirUnsafe, match="not all in it is ccmux's; set another") as raised:
        RuntimeDir(path, project="p").hold().__enter__()
    assert "chmod" not in str(raised.value)


def test_a_link_is_refused_and_left(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path)
    with pytest.raises(RuntimeDirUnsafe, match="it is a link; `rm '"):
        RuntimeDir(path, project="p").hold().__enter__()
    assert path.is_symlink()


def test_a_file_is_refused_and_left(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(RuntimeDirUnsafe, match="it is not a directory; move it away"):
        RuntimeDir(path, project="p").hold().__enter__()
    assert path.is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_is_refused(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True)
    os.chown(path, 12345, 12345)
    with pytest.raises(RuntimeDirUnsafe, match="it belongs to user 12345; set another"):
        RuntimeDir(path, project="p").hold().__enter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_lock_of_another_user_is_refused(path: Path) -> None:
    lock = RuntimeDir(path, project="p").lock_path
    lock.parent.mkdir()
    lock.touch()
    os.chown(lock, 12345, 12345)
    with pytest.raises(RuntimeDirUnsafe, match=r"its lock .* is not a file of yours"):
        RuntimeDir(path, project="p").hold().__enter__()


def test_one_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeDirUnsafe, match=r"it cannot be made \(.*\); set another"):
        RuntimeDir(tmp_path / "file" / "run", project="p").hold().__enter__()


def test_a_second_daemon_is_told_whose_it_is_and_gets_in_once_the_first_is_gone(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == b"held\n"
        second = RuntimeDir(path, project="second")
        with pytest.raises(AlreadyRunning) as caught:
            second.hold().__enter__()
        assert caught.value.pid == first.pid
        assert "project 'first'" in str(caught.value)
        shutil.rmtree(path)
        with pytest.raises(AlreadyRunning):
            second.hold().__enter__()
        first.kill()
    with second.hold():
        assert path.is_dir()


def test_a_holder_that_has_not_written_its_name_yet_is_still_a_holder(path: Path) -> None:
    first = RuntimeDir(path, project="first")
    with first.hold():
        first.lock_path.write_bytes(b"")
        with pytest.raises(AlreadyRunning, match=r"project 'unknown' \(pid 0\)"):
            RuntimeDir(path, project="second").hold().__enter__()


def test_directory_and_lock_deleted_under_the_daemon_are_made_again(path: Path) -> None:
    first = RuntimeDir(path, project="first")
    with first.hold():
        shutil.rmtree(path)
        first.lock_path.unlink()
        first.restore()
        assert mode(path) == 0o700
        with pytest.raises(AlreadyRunning):
            RuntimeDir(path, project="second").hold().__enter__()
        first.restore()


def test_what_somebody_put_in_its_place_is_refused(path: Path) -> None:
    first = RuntimeDir(path, project="first")
    with first.hold():
        path.rmdir()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(path))
        with pytest.raises(RuntimeDirUnsafe, match="not a directory"):
            first.restore()


def test_the_daemon_that_holds_it_is_found_and_ends_when_asked(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder, holder.stdin, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with RunningDaemon.found(path) as daemon:
            assert daemon is not None
            assert (daemon.pid, daemon.project) == (holder.pid, "first")
            assert not daemon.ended(within_s=0)
            daemon.ask_to_end()
            assert daemon.ended(within_s=10)
            assert holder.wait() != 0
            daemon.ask_to_end()


LEFT = ["", "garbage", '{"pid":PID,"project":"p"}', '{"pid":0}', '{"pid":-7}', None]


@pytest.mark.parametrize("written", LEFT)
def test_a_lock_that_nobody_holds_names_no_daemon_whoever_has_its_pid_now(
    path: Path, written: str | None
) -> None:
    path.parent.mkdir(parents=True)
    if written is not None:
        path.with_name(f"{path.name}.lock").write_text(written.replace("PID", str(os.getpid())))
    with RunningDaemon.found(path) as daemon:
        assert daemon is None
