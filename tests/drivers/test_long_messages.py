import asyncio
from pathlib import Path

from ccmux.core.messages import Message, MessageState
from ccmux.drivers.long_messages import LongMessageFiles

MESSAGE = Message(
    id=12, channel="tg", content="", ts=0.0, key=None, meta={}, attachments=(), state=MessageState.QUEUED
)


def test_a_long_text_is_kept_whole_and_private_and_can_be_written_again(tmp_path: Path) -> None:
    files = LongMessageFiles(tmp_path / "messages")
    path = Path(files.path_for(MESSAGE))
    for text in ("ü" * 30_000, "shorter\n"):
        asyncio.run(files.write(str(path), text))
        assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["message-12.txt"]
