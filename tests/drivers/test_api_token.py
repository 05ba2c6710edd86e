from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ccmux.core.errors import SecretUnsafe
from ccmux.drivers.api_token import api_token


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a" / "secrets"


def test_the_first_start_makes_it_and_the_next_ones_find_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        token = api_token(folder)
    finally:
        os.umask(before)
    assert len(token) == 43
    assert api_token(folder) == token
    assert mode(folder) == 0o700
    assert mode(folder / "api_token") == 0o600
    assert [entry.name for entry in folder.iterdir()] == ["api_token"]


def test_a_token_of_ones_own_is_taken_without_its_newline(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "api_token").write_text("mine\r\n")
    (folder / "api_token").chmod(0o600)
    assert api_token(folder) == "mine"


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_reach_is_refused_with_the_command_that_mends_it(
    folder: Path, open_mode: int
) -> None:
    api_token(folder)
    path = folder / "api_token"
    path.chmod(open_mode)
    with pytest.raises(SecretUnsafe, match=f"close it: chmod 600 {path}"):
        api_token(folder)


def test_a_folder_that_others_can_reach_is_refused(folder: Path) -> None:
    api_token(folder)
    folder.chmod(0o750)
    with pytest.raises(SecretUnsafe, match=f"close it: chmod 700 {folder}"):
        api_token(folder)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words\n", b"two\nlines\n", b"\xff\xfe\n", b"a\x00b"])
def test_what_is_no_token_is_refused(folder: Path, content: bytes) -> None:
    api_token(folder)
    (folder / "api_token").write_bytes(content)
    with pytest.raises(SecretUnsafe, match="it holds no token; remove it, the next start makes one: rm /"):
        api_token(folder)


def test_a_link_is_refused(folder: Path) -> None:
    api_token(folder)
    (folder / "api_token").rename(folder / "other")
    (folder / "api_token").symlink_to("other")
    with pytest.raises(SecretUnsafe, match="Too many levels of symbolic links"):
        api_token(folder)


def test_a_fifo_is_refused_and_does_not_block(folder: Path) -> None:
    api_token(folder)
    (folder / "api_token").unlink()
    os.mkfifo(folder / "api_token", 0o600)
    with pytest.raises(SecretUnsafe, match="it is no plain file"):
        api_token(folder)


def test_somebody_elses_file_is_refused(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    api_token(folder)
    os.chown(folder / "api_token", 65534, 65534)
    with pytest.raises(SecretUnsafe, match="it belongs to user 65534"):
        api_token(folder)
