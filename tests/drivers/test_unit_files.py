"""Unit files are read as they are and renewed alone; one deployment at a time, and the next finishes it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ccmux.core.errors import UnitFileFailed
from ccmux.drivers.systemd.unit_files import UnitFiles, only_deployment


def unexpected() -> None:
    raise AssertionError("waited for nobody")


def test_they_lie_where_systemd_looks_for_them(tmp_path: Path) -> None:
    assert UnitFiles({"HOME": "/home/you"}).folder == Path("/home/you/.config/systemd/user")
    assert UnitFiles({"HOME": "/x", "XDG_CONFIG_HOME": "/c"}).folder == Path("/c/systemd/user")


def test_all_that_are_named_after_ccmux_are_read_whoever_made_them(tmp_path: Path) -> None:
    files = UnitFiles({"HOME": str(tmp_path)})
    assert files.read() == {}
    files.write("ccmux.service", "[Unit]\n")
    (files.folder / "ccmux-latin.timer").write_bytes(b"# \xe4\n")
    (files.folder / "ccmux-masked.service").symlink_to("/dev/null")
    (files.folder / "ccmux-nowhere.service").symlink_to("nowhere")
    (files.folder / "ccmux.target.wants").mkdir()
    (files.folder / "ccmux-folder.service").mkdir()
    (files.folder / "ccmux.service.bak").write_text("x")
    (files.folder / "other.service").write_text("x")
    assert files.read() == {
        "ccmux-folder.service": "",
        "ccmux-latin.timer": "# \udce4\n",
        "ccmux-masked.service": "",
        "ccmux-nowhere.service": "",
        "ccmux.service": "[Unit]\n",
    }


def test_a_file_is_ours_alone_and_gone_when_it_is_removed(tmp_path: Path) -> None:
    files = UnitFiles({"HOME": str(tmp_path)})
    files.write("ccmux.service", "a")
    files.write("ccmux.service", "b")
    path = files.folder / "ccmux.service"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("b", 0o600)
    files.remove("ccmux.service")
    files.remove("ccmux.service")
    assert list(files.folder.iterdir()) == []


def test_what_cannot_be_done_is_told_with_the_file(tmp_path: Path) -> None:
    files = UnitFiles({"HOME": str(tmp_path)})
    (files.folder / "ccmux.service").mkdir(parents=True)
    with pytest.raises(UnitFileFailed, match=r"ccmux\.service cannot be removed: Is a directory; mend that"):
        files.remove("ccmux.service")
    with pytest.raises(UnitFileFailed, match=r"ccmux\.service cannot be written"):
        files.write("ccmux.service", "x")
    with (
        pytest.raises(UnitFileFailed, match=r"nowhere/ccmux-deploy\.lock cannot be written: No such file"),
        only_deployment(tmp_path / "nowhere", on_wait=unexpected),
    ):
        pass


def test_what_was_begun_and_not_done_is_known_to_the_next(tmp_path: Path) -> None:
    with only_deployment(tmp_path, on_wait=unexpected) as renewal:
        assert renewal.begun() == frozenset()
        renewal.begin(["ccmux.service"])
        assert renewal.begun() == {"ccmux.service"}
    with only_deployment(tmp_path, on_wait=unexpected) as renewal:
        renewal.begin(["ccmux-a.timer", "ccmux-b.timer"])
        assert renewal.begun() == {"ccmux.service", "ccmux-a.timer", "ccmux-b.timer"}
        renewal.done()
        renewal.begin(["ccmux-c.timer"])
    with only_deployment(tmp_path, on_wait=unexpected) as renewal:
        assert renewal.begun() == {"ccmux-c.timer"}


def test_a_second_deployment_says_that_it_waits_and_goes_on_after_the_first(tmp_path: Path) -> None:
    waits, order = threading.Event(), []

    def second() -> None:
        with only_deployment(tmp_path, on_wait=waits.set):
            order.append("second")

    with only_deployment(tmp_path, on_wait=unexpected):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_only_links_that_lead_to_the_unit_itself_are_removed_and_folders_that_are_empty_then(
    tmp_path: Path,
) -> None:
    files = UnitFiles({"XDG_CONFIG_HOME": str(tmp_path)})
    files.write("ccmux.target", "[Unit]\n")
    wants = {name: files.folder / f"{name}.target.wants" for name in ("default", "ccmux", "foreign", "plain")}
    for folder in wants.values():
        folder.mkdir()
    (wants["default"] / "ccmux.target").symlink_to(files.folder / "ccmux.target")
    (wants["ccmux"] / "ccmux.target").symlink_to("../ccmux.target")
    (wants["ccmux"] / "other.service").symlink_to("../other.service")
    (wants["foreign"] / "ccmux.target").symlink_to("/elsewhere/ccmux.target")
    (wants["plain"] / "ccmux.target").touch()
    files.disable("ccmux.target")
    files.disable("ccmux-never.service")
    assert not wants["default"].exists()
    assert [path.name for path in wants["ccmux"].iterdir()] == ["other.service"]
    assert (wants["foreign"] / "ccmux.target").is_symlink()
    assert (wants["plain"] / "ccmux.target").exists()
    assert list(files.read()) == ["ccmux.target"]
