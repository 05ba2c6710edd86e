"""What a heartbeat of 1 KB (3 sessions) costs to thousands of WebSocket viewers, some of whom never read.

    scripts/bench relay [VIEWERS ...] [--never N] [--beats N]

The floor is what the same messages cost in a bare loop of `socket.send` over the same number of connections.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

PROGRAM = Path(sys.executable).with_name("ccmux-relay")
KEY = "bench"
BEAT_BYTES = 1_024
AN_ADDRESS = 50
"""Viewers from one address of 127/8: fewer than the relay lets in."""
APART_S = 0.3
"""Between two heartbeats: more than the relay pauses."""


def main() -> int:
    """Measure for each number of viewers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("viewers", type=int, nargs="*", default=[1_000, 5_000])
    parser.add_argument("--never", type=int, default=50, help="viewers that never read (default: 50)")
    parser.add_argument("--beats", type=int, default=30)
    options = parser.parse_args()
    for viewers in options.viewers:
        _floor(viewers, options.beats)
        _measure(viewers, options.never, options.beats)
    return 0


def _measure(viewers: int, never: int, beats: int) -> None:
    with ExitStack() as stack:
        relay, port = _started(stack)
        empty_kb = _rss_kb(relay.pid)
        begun = time.perf_counter()
        crowd = _crowd(stack, port, viewers, never)
        connected_s = time.perf_counter() - begun
        source = http.client.HTTPConnection("127.0.0.1", port)
        stack.callback(source.close)
        answered, last = [], []
        _beat(source, 0)
        crowd.until_all_have(_mark(0))
        cpu_s = _cpu_s(relay.pid)
        for number in range(1, beats + 1):
            time.sleep(APART_S)
            begun = time.perf_counter()
            _beat(source, number)
            answered.append(time.perf_counter() - begun)
            crowd.until_all_have(_mark(number))
            last.append(time.perf_counter() - begun)
        cpu_s = _cpu_s(relay.pid) - cpu_s
        rss_kb = _rss_kb(relay.pid)
        print(
            f"  {viewers} viewers and {never} that never read: the last has it after {_ms(last)}; "
            f"answered after {_ms(answered)}; CPU {cpu_s / beats * 1000:.1f} ms a heartbeat; "
            f"RSS {rss_kb / 1024:.0f} MB, {(rss_kb - empty_kb) / (viewers + never):.1f} KB a viewer; "
            f"all connected in {connected_s:.2f} s",
            flush=True,
        )


def _floor(viewers: int, beats: int) -> None:
    """Print what a loop of `socket.send` alone takes until the last has it."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=viewers))
        go, going = os.pipe()
        told, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(going)
            _send_to_all(door, viewers, go, telling)
        crowd = _Readers(stack)
        for _ in range(viewers):
            viewer = stack.enter_context(socket.create_connection(door.getsockname()))
            crowd.add(viewer)
        os.read(told, 1)
        last = []
        for number in range(beats):
            time.sleep(APART_S)
            begun = time.perf_counter()
            os.write(going, b"%d" % (number % 10))
            crowd.until_all_have(b"%d" % (number % 10) * BEAT_BYTES)
            last.append(time.perf_counter() - begun)
        os.close(going)
        cpu_ms = float(os.read(told, 100)) / beats * 1000
        os.waitpid(pid, 0)
        print(f"  floor: {viewers} times socket.send: the last has it after {_ms(last)}; CPU {cpu_ms:.1f} ms")


def _send_to_all(door: socket.socket, viewers: int, go: int, telling: int) -> NoReturn:
    """Send a frame to all for each byte that comes; at the end tell the seconds of CPU. In a child alone."""
    accepted = [door.accept()[0] for _ in range(viewers)]
    os.write(telling, b".")
    cpu_s = time.process_time()
    while byte := os.read(go, 1):
        frame = byte * BEAT_BYTES
        for viewer in accepted:
            viewer.send(frame)
    os.write(telling, str(time.process_time() - cpu_s).encode())
    os._exit(0)


class _Readers:
    """Connections that this process reads."""

    def __init__(self, stack: ExitStack) -> None:
        self._poll = stack.enter_context(select.epoll())
        self._by_fd: dict[int, socket.socket] = {}

    def add(self, viewer: socket.socket) -> None:
        self._by_fd[viewer.fileno()] = viewer
        self._poll.register(viewer, select.EPOLLIN)

    def until_all_have(self, mark: bytes) -> None:
        """Read until everybody has it; it comes whole."""
        waiting = set(self._by_fd)
        while waiting:
            for fd, _ in self._poll.poll(20):
                got = self._by_fd[fd].recv(65_536)
                assert got, "a viewer was cut off"
                if mark in got:
                    waiting.discard(fd)


def _started(stack: ExitStack) -> tuple[subprocess.Popen[str], int]:
    command = [str(PROGRAM), "--port", "0"]
    environment = {**os.environ, "CC_LIVE_API_KEY": KEY}
    relay = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    stack.callback(relay.wait)
    stack.callback(relay.terminate)
    assert relay.stderr is not None
    return relay, int(json.loads(relay.stderr.readline())["port"])


def _crowd(stack: ExitStack, port: int, viewers: int, never: int) -> _Readers:
    """Return so many viewers; some more are there that never read."""
    readers = _Readers(stack)
    for number in range(viewers + never):
        viewer = stack.enter_context(socket.socket())
        viewer.bind((f"127.0.{1 + number // AN_ADDRESS // 250}.{1 + number // AN_ADDRESS % 250}", 0))
        if number >= viewers:
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        viewer.connect(("127.0.0.1", port))
        viewer.sendall(
            b"GET /ws/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        if number < viewers:
            got = b""
            while b"null}" not in got:
                got += viewer.recv(4_096)
            readers.add(viewer)
    return readers


def _mark(number: int) -> bytes:
    return b'"total_tokens":%d' % (1_000_000 + number)


def _beat(source: http.client.HTTPConnection, number: int) -> None:
    sessions = [
        {
            "session_id": f"0f9c2a6e-0000-4000-8000-00000000000{place}",
            "total_tokens": 1_000_000 + number,
            "tool_calls": 321,
            "user_prompts": 45,
            "active_time_seconds": 6_789,
            "last_prompt": "x" * 119,
            "project": "ccmux",
            "model": "claude-opus-4-5",
            "sensitive": False,
        }
        for place in range(3)
    ]
    body = json.dumps({"sessions": sessions}, separators=(",", ":")).encode()
    assert abs(len(body) - BEAT_BYTES) < 50, len(body)
    source.request("POST", "/api/live/heartbeat", body, {"Authorization": f"Bearer {KEY}"})
    answer = source.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"ok":true}')


def _ms(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered) * 1000:.1f} ms (p95 {ordered[int(len(ordered) * 0.95)] * 1000:.1f})"


def _rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(pid)


def _cpu_s(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    sys.exit(main())
