"""Where log lines go: JSON to a rotated file, readable text to stderr on a terminal, JSON there otherwise.

The journal knows the time of a line and takes its weight from a number before it (sd-daemon(3)): there a line
has no time of ours, and that number. Configures structlog, once, for the whole program. Message texts are
never handed to a logger.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

FILE_BYTES = 10 * 1_048_576
FILES_KEPT = 5

_WEIGHTS = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class _OwnersFileHandler(RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self) -> Any:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream


@contextmanager
def logging_to(path: Path | None, *, on_stderr: bool = True, journal: str = "") -> Iterator[None]:
    """Log to `path`, and to stderr, inside this context.

    Args:
        path: The file; None is none.
        on_stderr: Whether they go there too.
        journal: JOURNAL_STREAM, which says whether stderr is the journal (systemd.exec(5)).
    """
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    in_file: logging.Handler = logging.NullHandler()
    if path is not None:
        in_file = _OwnersFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    in_file.setFormatter(_formatter(structlog.processors.JSONRenderer(sort_keys=False), before))
    to_stderr = logging.StreamHandler(sys.stderr) if on_stderr else logging.NullHandler()
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    to_stderr.setFormatter(_formatter(renderer, before, for_journal=is_journal(journal, sys.stderr)))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [in_file, to_stderr]
    root.setLevel(logging.INFO)
    # Libraries say much about their own insides: only their complaints are for our log.
    for chatty in ("asyncio", "libtmux", "mcp", "sse_starlette", "uvicorn", "httpx", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        in_file.close()
        structlog.reset_defaults()


def is_journal(said: str, stream: TextIO) -> bool:
    """Tell whether this stream is the journal, as JOURNAL_STREAM said it: "DEVICE:INODE"."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:  # it has no descriptor, or a closed one
        return False
    return said == f"{found.st_dev}:{found.st_ino}"


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """A line for the journal: its weight first."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; line breaks in it would be lines without a weight."""
        return f"<{_weight(record.levelno)}>{super().format(record)}"


def _weight(level: int) -> int:
    """Return syslog's number (syslog(3)) for a level of Python's."""
    return next((weight for known, weight in _WEIGHTS if level >= known), 7)


def _without_time(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    event.pop("timestamp", None)
    return event


def _formatter(renderer: Any, before: list[Any], *, for_journal: bool = False) -> logging.Formatter:
    made = _Formatter if for_journal else structlog.stdlib.ProcessorFormatter
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return made(
        processors=[remove, *([_without_time] if for_journal else []), renderer], foreign_pre_chain=before
    )
