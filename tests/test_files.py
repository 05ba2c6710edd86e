from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ccmux.files import replace_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_has_the_mode_less_what_the_umask_takes(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "shown", b"{}", mode=0o666)
        replace_file(tmp_path / "ours", b"{}", mode=0o600)
    finally:
        os.umask(before)
    assert mode(tmp_path / "shown") == 0o640
    assert mode(tmp_path / "ours") == 0o600


def test_the_old_mode_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o604)
    replace_file(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o604
    assert names(tmp_path) == ["file"]


def test_a_reader_of_the_old_file_keeps_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        replace_file(path, b"new and longer", mode=0o600)
        assert reader.read() == b"old"


def test_a_link_stays_a_link_and_its_target_is_renewed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "file"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("shared/file")
    replace_file(link, b"new", mode=0o600)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path / "shared") == ["file"]


def test_what_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "file", b"new", mode=0o600)
    assert names(tmp_path) == ["file"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone/file")
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "link", b"new", mode=0o600)


def test_all_is_on_the_disk_before_it_has_the_name_and_the_name_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(fd: int) -> None:
        synced = Path(f"/proc/self/fd/{fd}").readlink()
        steps.append("folder" if synced == tmp_path else f"file of {synced.stat().st_size} bytes")
        real_sync(fd)

    def rename(path: Path, target: Path) -> Path:
        steps.append("name")
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    replace_file(tmp_path / "file", b"12345", mode=0o600)
    assert steps == ["file of 5 bytes", "name", "folder"]
