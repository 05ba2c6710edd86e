"""The terminal the demo agent runs in: raw mode, its size, and drawing with as few bytes as it takes.

The conversation scrolls by; only the live part below it is drawn again. No alternate screen.
"""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Sequence

from ccmux.demo.screen import Live

_ENTER = "\x1b[?2004h\x1b[?25l"
_LEAVE = "\x1b[?2004l\x1b[?25h"


class Terminal:
    """Owns the file descriptor and what stands on the screen."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._saved = termios.tcgetattr(fd)
        self._rows: list[str] = []
        self._row = 0
        self._title = ""

    def enter(self) -> None:
        """Take the keyboard, raw, with bracketed paste."""
        tty.setraw(self.fd, termios.TCSANOW)
        self._write(_ENTER)

    def leave(self) -> None:
        """Give the terminal back as it was; the cursor stands below what was drawn."""
        down = max(0, len(self._rows) - 1 - self._row)
        self._write((f"\x1b[{down}B" if down else "") + "\r\n" + _LEAVE)
        self._rows, self._row = [], 0
        termios.tcsetattr(self.fd, termios.TCSADRAIN, self._saved)

    def size(self) -> tuple[int, int]:
        """Return columns and rows, never less than 20 and 8."""
        columns, rows = os.get_terminal_size(self.fd)
        return max(20, columns), max(8, rows)

    def title(self, text: str) -> None:
        """Set the terminal's title."""
        if text != self._title:
            self._title = text
            self._write(f"\x1b]0;{text}\x07")

    def clear(self) -> None:
        """Wipe screen and scroll-back: everything is drawn again next."""
        self._rows, self._row = [], 0
        self._write("\x1b[2J\x1b[3J\x1b[H")

    def draw(self, scrolled: Sequence[str], live: Live) -> None:
        """Write rows that scroll, once, and the live part below them; all in one write."""
        if not scrolled and live.rows == self._rows:
            self._write(self._moved(live.cursor))
            return
        up = f"\x1b[{self._row}A" if self._row else ""
        body = "\r\n".join(f"\x1b[K{row}\x1b[0m" for row in [*scrolled, *live.rows])
        self._rows, self._row = live.rows, len(live.rows) - 1
        self._write(f"\x1b[?7l\r{up}{body}\x1b[J\x1b[?7h{self._moved(live.cursor)}")

    def _moved(self, cursor: tuple[int, int]) -> str:
        row, column = cursor
        steps = row - self._row
        self._row = row
        vertical = f"\x1b[{steps}B" if steps > 0 else f"\x1b[{-steps}A" if steps else ""
        return f"{vertical}\r" + (f"\x1b[{column}C" if column else "")

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self.fd, data) :]
