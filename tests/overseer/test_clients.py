"""Clients who do not read, many tasks, floods: nobody waits for anybody."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from tests.overseer.client import Client
from tests.overseer.stand import OverseerStand

LINES = 150_000
LINE = re.compile(rb'"stream":"stdout","data":"(\d+)"')


def rss_mb(stand: OverseerStand) -> float:
    assert stand.process is not None
    status = Path(f"/proc/{stand.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1_024


def read_on(client: Client) -> None:
    while True:
        client.next()


def ask_on(client: Client) -> None:
    while True:
        client.ask("replay", task_id="large")


def test_a_client_that_never_reads_is_cut_off_and_nobody_else_loses_a_line(
    overseer: OverseerStand, client: Client
) -> None:
    before_mb = rss_mb(overseer)
    with overseer.client(receive_bytes=4_096) as stuck, overseer.client() as asking:
        client.ask("start", task_id="flood", command="seq", args=[str(LINES)])
        answered = asking.answer("start", task_id="beside", command="echo", args=["x"])
        assert answered["type"] == "started"
        told = client.raw_until(b'"exited","task_id":"flood"')
        assert LINE.findall(told) == [b"%d" % number for number in range(1, LINES + 1)]
        with pytest.raises(ConnectionError):
            read_on(stuck)
    assert rss_mb(overseer) - before_mb < 60


def test_a_client_that_asks_and_never_reads_fills_no_memory(overseer: OverseerStand, client: Client) -> None:
    client.ask("start", task_id="large", command="seq", args=["100"])
    client.until("exited", task_id="large")
    before_mb = rss_mb(overseer)
    with overseer.client(receive_bytes=4_096) as greedy:
        greedy.sock.settimeout(20)
        with pytest.raises(OSError):
            ask_on(greedy)
    assert client.answer("list")["type"] == "tasks"
    assert rss_mb(overseer) - before_mb < 60


def test_all_of_a_flood_reaches_ten_clients(overseer: OverseerStand, client: Client) -> None:
    others = [overseer.client() for _ in range(9)]
    client.ask("start", task_id="ten", command="seq", args=["30000"])
    heard: list[int] = []

    def listen(one: Client) -> None:
        heard.append(len(LINE.findall(one.raw_until(b'"exited","task_id":"ten"'))))

    threads = [threading.Thread(target=listen, args=(one,)) for one in (client, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for other in others:
        other.sock.close()
    assert heard == [30_000] * 10


def test_two_hundred_tasks_start_and_stop(client: Client) -> None:
    names = {f"sleeper{number}" for number in range(200)}
    for name in names:
        client.ask("start", task_id=name, command="sleep", args=["1000"])
    running: set[str] = set()
    while running != names:
        message = client.next()
        running |= {message["task_id"]} if message["type"] == "started" else set()
    tasks = client.tasks()
    assert len({tasks[name]["current_pid"] for name in names}) == 200
    for name in names:
        client.ask("stop", task_id=name)
    ended: set[str] = set()
    while ended != names:
        message = client.next()
        ended |= {message["task_id"]} if message["type"] == "exited" else set()
