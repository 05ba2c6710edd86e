"""A raw WebSocket client, as small as can be: what it sends and gets is seen byte for byte."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any, Self

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9


class Refused(Exception):
    """The handshake was answered otherwise: status and body."""


class Client:
    """One connection. It reads only when it is asked to."""

    def __init__(
        self,
        port: int,
        *,
        path: str = "/ws",
        headers: Mapping[str, str] | None = None,
        receive_bytes: int | None = None,
        limit_s: float = 30.0,
    ) -> None:
        self.sock = socket.socket()
        if receive_bytes is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.settimeout(limit_s)
        self.sock.connect(("127.0.0.1", port))
        said = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            **(headers or {}),
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items()), "", ""]
        self.sock.sendall("\r\n".join(lines).encode())
        self._buffer = bytearray()
        head = self._until(b"\r\n\r\n").decode()
        if not head.startswith("HTTP/1.1 101 "):
            sizes = [
                line.split(": ")[1]
                for line in head.split("\r\n")
                if line.lower().startswith("content-length")
            ]
            body = self._take(int(sizes[0])) if sizes else b""
            self.sock.close()
            raise Refused(int(head.split(" ")[1]), json.loads(body or b"null"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.sock.sendall(frame(data))

    def ask(self, kind: str, **fields: Any) -> None:
        self.send(json.dumps({"type": kind, **fields}))

    def next(self) -> dict[str, Any]:
        """Return the next message; pings are answered, a goodbye is an error that says why."""
        while True:
            opcode, data = self._frame()
            if opcode == _TEXT:
                message: dict[str, Any] = json.loads(data)
                return message
            if opcode == _CLOSE:
                raise ConnectionResetError(struct.unpack(">H", data[:2])[0], data[2:].decode())
            if opcode == _PING:
                self.sock.sendall(frame(data, opcode=0xA))

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the next message of this kind with these fields; what comes before it is passed over."""
        while True:
            message = self.next()
            if message["type"] == kind and fields.items() <= message.items():
                return message

    def all_until(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Return all messages up to this one."""
        found = [self.next()]
        while found[-1]["type"] != kind or not fields.items() <= found[-1].items():
            found.append(self.next())
        return found

    def raw_until(self, mark: bytes) -> bytes:
        """Return all that comes up to this mark, frames and all: for floods, which are slow to take apart."""
        return self._until(mark)

    def answer(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Ask with an id of its own, and return what carries it."""
        id_ = os.urandom(4).hex()
        self.ask(kind, id=id_, **fields)
        while True:
            message = self.next()
            if message.get("id") == id_:
                return message

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["task_id"]: task for task in self.answer("list")["tasks"]}

    def _frame(self) -> tuple[int, bytes]:
        first, size = self._take(2)
        if size == 126:
            [size] = struct.unpack(">H", self._take(2))
        elif size == 127:
            [size] = struct.unpack(">Q", self._take(8))
        return first & 0xF, self._take(size)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _until(self, mark: bytes) -> bytes:
        searched = 0
        while (at := self._buffer.find(mark, max(0, searched - len(mark)))) < 0:
            searched = len(self._buffer)
            self._read()
        return self._take(at + len(mark))

    def _read(self) -> None:
        data = self.sock.recv(262_144)
        if not data:
            raise ConnectionResetError(0, "closed without a word")
        self._buffer += data


def frame(data: bytes, *, opcode: int = _TEXT) -> bytes:
    """Return a masked frame, as clients must send it."""
    size = len(data)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += b"\xfe" + struct.pack(">H", size)
    else:
        head += b"\xff" + struct.pack(">Q", size)
    return head + bytes(4) + data  # a mask of zeros changes nothing
