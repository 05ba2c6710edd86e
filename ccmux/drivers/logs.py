"""Where log lines go: JSON to a rotated file, readable text to stderr on a terminal, JSON there otherwise.

Configures structlog, once, for the whole program. Message texts are never handed to a logger.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

FILE_BYTES = 10 * 1_048_576
FILES_KEPT = 5


class _OwnersFileHandler(RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self) -> Any:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream


@contextmanager
def logging_to(path: Path, *, verbose: bool) -> Iterator[None]:
    """Log to `path` and to stderr inside this context; `verbose` adds the debug lines."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    in_file = _OwnersFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    in_file.setFormatter(_formatter(structlog.processors.JSONRenderer(sort_keys=False), before))
    on_stderr = logging.StreamHandler(sys.stderr)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    on_stderr.setFormatter(_formatter(renderer, before))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [in_file, on_stderr]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    # Libraries say much about their own insides: only their complaints are for our log.
    for chatty in ("asyncio", "libtmux", "mcp", "sse_starlette", "uvicorn", "httpx"):
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


def _formatter(renderer: Any, before: list[Any]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=before,
    )
