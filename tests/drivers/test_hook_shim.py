import re
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from ccmux.drivers.hook_shim import command, install


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    path = tmp_path / "hook shim.sh"
    install(path)
    return path


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool of 'events'"
    folder.mkdir()
    return folder


def fire(shim: Path, spool: Path, event: bytes, *, max_file_bytes: int | None = None) -> None:
    """Run the hook as Claude does; whatever happens it succeeds and says nothing."""

    def limit() -> None:
        if max_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))

    run = subprocess.run(
        command(shim, spool), input=event, capture_output=True, preexec_fn=limit, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_an_event_lands_whole_private_and_alone(shim: Path, spool: Path) -> None:
    event = b'{"prompt":"\xc3\xa9 \\u0000 $HOME `id` %s"}' + b"x" * 300_000
    fire(shim, spool, event)
    (file,) = spool.iterdir()
    assert file.read_bytes() == event
    assert file.suffix == ".json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_names_sort_by_time_also_within_one_millisecond(shim: Path, spool: Path) -> None:
    for number in range(50):
        fire(shim, spool, b"%d" % number)
    files = sorted(spool.iterdir())
    assert [int(file.read_bytes()) for file in files] == list(range(50))
    assert all(re.fullmatch(r"\d{19}-\d+\.json", file.name) for file in files)


def test_many_at_once_lose_nothing(shim: Path, spool: Path) -> None:
    running = [subprocess.Popen(command(shim, spool), stdin=subprocess.PIPE) for _ in range(20)]
    for number, process in enumerate(running):
        process.communicate(b"%d" % number)
        assert process.returncode == 0
    assert sorted(int(file.read_bytes()) for file in spool.iterdir()) == list(range(20))


def test_a_missing_spool_is_nobodys_trouble(shim: Path, spool: Path) -> None:
    spool.rmdir()
    fire(shim, spool, b"x" * 300_000)
    assert not spool.exists()


def test_a_full_disk_leaves_no_half_file(shim: Path, spool: Path) -> None:
    fire(shim, spool, b"x" * 300_000, max_file_bytes=4096)
    assert list(spool.iterdir()) == []


def test_the_shim_is_private_and_renewed_in_place(shim: Path) -> None:
    shim.write_text("old")
    install(shim)
    assert stat.S_IMODE(shim.stat().st_mode) == 0o700
    assert shim.read_text().startswith("#!/bin/sh\n")
    assert list(shim.parent.iterdir()) == [shim]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        install(tmp_path / "nowhere" / "hook.sh")
