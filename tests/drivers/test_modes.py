"""What lies there is told as it is, and closed where it is ours."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from ccmux.core.doctor.files import Kind
from ccmux.drivers import modes


def furnished(folder: Path) -> None:
    (folder / "sub").mkdir(mode=0o755)
    (folder / "sub" / "file").write_text("x")
    (folder / "sub" / "file").chmod(0o644)
    os.mkfifo(folder / "in", 0o600)
    (folder / "link").symlink_to("sub")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "sock"))


def test_a_tree_is_told_at_every_depth_and_links_are_not_followed(tmp_path: Path) -> None:
    furnished(tmp_path)
    found = modes.tree(tmp_path)
    kinds = {os.path.relpath(entry.path, tmp_path): entry.kind for entry in found.below}
    assert kinds == {
        "sub": Kind.FOLDER,
        "sub/file": Kind.FILE,
        "in": Kind.FIFO,
        "link": Kind.LINK,
        "sock": Kind.SOCKET,
    }
    by_name = {entry.name: entry for entry in found.below}
    assert (by_name["file"].mode, by_name["file"].uid) == (0o644, os.geteuid())
    assert found.top is not None
    assert (found.complete, found.top.kind) == (True, Kind.FOLDER)


def test_what_is_missing_or_no_folder_is_told_as_that(tmp_path: Path) -> None:
    assert modes.tree(tmp_path / "none").top is None
    (tmp_path / "file").touch()
    found = modes.tree(tmp_path / "file")
    assert found.top is not None
    assert (found.top.kind, found.below) == (Kind.FILE, ())


def test_only_what_is_asked_for_is_looked_at(tmp_path: Path) -> None:
    furnished(tmp_path)
    (tmp_path / "sub" / "in").touch()
    assert {entry.name for entry in modes.tree(tmp_path, only={"sub"}).below} == {"sub", "file", "in"}
    assert {entry.name for entry in modes.tree(tmp_path, deep=False).below} == {"sub", "in", "link", "sock"}


def test_a_link_is_told_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    found = modes.entry(tmp_path / "link")
    assert found is not None
    assert found.kind is Kind.LINK
    top = modes.tree(tmp_path / "link").top
    assert top is not None
    assert top.kind is Kind.LINK


def test_a_crowd_is_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / str(number)).touch()
    monkeypatch.setattr(modes, "MOST_ENTRIES", 3)
    found = modes.tree(tmp_path)
    assert (found.complete, len(found.below)) == (False, 3)
    monkeypatch.setattr(modes, "MOST_ENTRIES", 4)
    assert modes.tree(tmp_path).complete


@pytest.mark.parametrize("name", ["sub", "sub/file", "in", "sock"])
def test_what_is_ours_is_closed(tmp_path: Path, name: str) -> None:
    furnished(tmp_path)
    path = tmp_path / name
    path.chmod(0o777)
    modes.close_to_others(str(path), 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_never_followed_to_what_it_names(tmp_path: Path) -> None:
    furnished(tmp_path)
    with pytest.raises(PermissionError):
        modes.close_to_others(str(tmp_path / "link"), 0o700)
    assert stat.S_IMODE((tmp_path / "sub").stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_is_anothers_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.touch(mode=0o644)
    os.chown(path, 12345, 12345)
    with pytest.raises(PermissionError):
        modes.close_to_others(str(path), 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_missing_folders_are_made_closed(tmp_path: Path) -> None:
    modes.make_folder(str(tmp_path / "a" / "b"), 0o700)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b")] == [0o700, 0o700]
    modes.make_folder(str(tmp_path / "a" / "b"), 0o700)
