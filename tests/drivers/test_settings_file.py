"""Reading ccmux.toml from a real disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmux.core.errors import SettingsInvalid
from ccmux.core.settings import Settings
from ccmux.drivers.settings_file import keep_text, read_settings


def test_a_file_that_is_not_there_means_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "ccmux.toml") == (Settings(), None)


def test_a_file_is_read(tmp_path: Path) -> None:
    text = b"[mcp]\r\nport = 1234\r\n"
    (tmp_path / "ccmux.toml").write_bytes(text)
    settings, content = read_settings(tmp_path / "ccmux.toml")
    assert (settings.mcp.port, content) == (1234, text)


BROKEN = {
    "no TOML": (b"[mcp]\nport = = 3\n", "line 2: the file is not valid TOML: Invalid value"),
    "cut off": (b"[mcp]\nport = ", "is not valid TOML: Invalid value (at its end)"),
    "no UTF-8": (b"[mcp]\n\n# \xff\n", "line 3: the file is not UTF-8 here"),
    "two problems": (b"[mcp]\r\nport = 0\r\nprt = 1\r\n", "line 2: [mcp] port must"),
}


@pytest.mark.parametrize(("content", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_says_what_is_wrong_and_where(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "ccmux.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsInvalid) as raised:
        read_settings(path)
    assert str(raised.value).startswith(str(path))
    assert says in raised.value.problems[0]


def test_all_problems_are_told(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.toml"
    path.write_bytes(BROKEN["two problems"][0])
    with pytest.raises(SettingsInvalid) as raised:
        read_settings(path)
    assert len(raised.value.problems) == 2


def test_a_directory_in_the_files_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read: Is a directory"):
        read_settings(tmp_path)


def test_a_text_is_kept_for_its_owner_and_written_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "kept.toml"
    keep_text(path, b"[mcp]\nport = 1\n")
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.stat()
    keep_text(path, b"[mcp]\nport = 1\n")
    assert path.stat().st_ino == first.st_ino
    keep_text(path, b"")
    assert path.read_bytes() == b""
    keep_text(path, None)
    keep_text(path, None)
    assert list(tmp_path.iterdir()) == []
