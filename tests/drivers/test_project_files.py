from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ccmux.core.errors import ProjectFileFailed
from ccmux.drivers.project_files import read, remove, replace


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_no_file_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / ".mcp.json") is None


def test_a_new_file_gets_what_the_umask_gives(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    before = os.umask(0o027)
    try:
        replace(path, b"{}")
    finally:
        os.umask(before)
    assert read(path) == b"{}"
    assert mode(path) == 0o640


def test_the_old_mode_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    path.write_bytes(b"old")
    path.chmod(0o604)
    replace(path, b"new")
    assert read(path) == b"new"
    assert mode(path) == 0o604
    assert [entry.name for entry in tmp_path.iterdir()] == [".mcp.json"]


def test_a_link_stays_a_link_and_its_target_is_renewed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "mcp.json"
    target.write_bytes(b"old")
    link = tmp_path / ".mcp.json"
    link.symlink_to("shared/mcp.json")
    replace(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_file_is_removed_and_a_link_to_it_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "shared.json", tmp_path / ".mcp.json"
    target.write_bytes(b"old")
    link.symlink_to(target)
    remove(link)
    remove(link)
    assert [entry.name for entry in tmp_path.iterdir()] == [".mcp.json"]
    assert link.is_symlink()


def test_a_directory_in_its_place_is_said(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    path.mkdir()
    with pytest.raises(ProjectFileFailed, match=r"cannot be read: Is a directory"):
        read(path)
    with pytest.raises(ProjectFileFailed, match=r"cannot be written: Is a directory"):
        replace(path, b"new")
    with pytest.raises(ProjectFileFailed, match=r"cannot be removed: "):
        remove(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [".mcp.json"]


def test_a_link_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    path.symlink_to("gone/mcp.json")
    with pytest.raises(ProjectFileFailed, match="No such file or directory"):
        replace(path, b"new")
