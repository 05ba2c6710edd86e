"""The end of an overseer, in order or not: nothing of its tasks is left, and they run again with the next."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ccmux.trial.waiting import until
from tests.overseer.client import Client
from tests.overseer.stand import PROGRAM, OverseerStand, lives

RETRIED = {"restart_delay": "1ms", "error_window": "1h", "error_threshold": 3}


def begin(client: Client, *, deaf: bool = False) -> int:
    trap = "trap '' TERM; " if deaf else ""
    script = f"{trap}echo $$; while :; do sleep 0.05; done"
    started = client.answer("start", task_id="lasting", command="sh", args=["-c", script])
    assert client.until("output", task_id="lasting")["data"] == str(started["pid"])
    return int(started["pid"])


@pytest.mark.parametrize(
    ("number", "deaf"), [(signal.SIGTERM, False), (signal.SIGKILL, False), (signal.SIGKILL, True)]
)
def test_what_ran_runs_again_once_and_is_linked_to_what_was_before(
    own: OverseerStand, number: int, deaf: bool
) -> None:
    own.start()
    with own.client() as client:
        pid = begin(client, deaf=deaf)
        client.answer("start", task_id="done", command="true")
        client.until("exited", task_id="done")
        client.answer("start", task_id="stopped", command="sleep", args=["1000"])
        client.answer("stop", task_id="stopped")
        client.ask("start", task_id="loop", command="false", retry_policy=RETRIED)
        client.until("errored", task_id="loop")
        until(lambda: kept(own, "loop", "state") == "errored", "it is kept")
        own.stop(number)
    own.start()
    with own.client() as client:
        assert not lives(pid)
        tasks = client.tasks()
        states = {name: task["state"] for name, task in tasks.items()}
        active = {"lasting": "active", "done": "active"}
        assert states == {**active, "stopped": "stopped", "loop": "errored"}
        until(lambda: client.tasks()["lasting"].get("worker_state") == "running", "it runs again")
        now = client.tasks()["lasting"]["current_pid"]
        assert now != pid
        assert lives(now)
        assert client.tasks()["lasting"]["restart_count"] == 1
        assert "current_pid" in tasks["done"]
        assert tasks["done"]["worker_state"] == "exited"
        client.ask("replay", task_id="lasting")
        assert client.until("output", task_id="lasting")["data"] == str(now)
        if deaf:  # a second time nobody waits five seconds for it
            os.kill(now, signal.SIGKILL)
            client.until("exited", task_id="lasting")
    assert own.stop() == 0
    until(lambda: not lives(now), "the end of the tasks")


def test_clients_hear_how_tasks_end_with_their_overseer(own: OverseerStand) -> None:
    own.start()
    with own.client() as client:
        pid = begin(client)
        assert own.process is not None
        own.process.terminate()
        ended = client.until("exited", task_id="lasting")
        assert {"pid": pid, "intentional": True}.items() <= ended.items()
        with pytest.raises(ConnectionError):
            client.next()
    assert own.process.wait(30) == 0


def test_what_outlived_even_the_nursery_is_ended_before_it_runs_again(own: OverseerStand) -> None:
    own.start()
    with own.client() as client:
        pid = begin(client)
        until(lambda: kept(own, "lasting", "pid") == pid, "it is kept")
        assert own.process is not None
        nursery = nursery_of(own)
        os.kill(own.process.pid, signal.SIGSTOP)  # so that it cannot see to it
        os.kill(nursery, signal.SIGKILL)
        own.stop(signal.SIGKILL)
    assert lives(pid)
    own.start()
    with own.client() as client:
        assert not lives(pid)
        until(lambda: client.tasks()["lasting"].get("worker_state") == "running", "it runs again")
    assert "task ended that nobody watched" in own.log


def test_a_nursery_that_is_killed_takes_its_children_along_and_they_run_again(own: OverseerStand) -> None:
    own.start()
    with own.client() as client:
        script = "echo $$; exec sleep 1000"
        policy = {"restart_delay": "1ms"}
        client.ask("start", task_id="t", command="sh", args=["-c", script], retry_policy=policy)
        pid = int(client.until("output")["data"])
        assert own.process is not None
        nursery = nursery_of(own)
        os.kill(nursery, signal.SIGKILL)
        assert client.until("exited")["signal"] == "SIGKILL"
        assert client.until("started")["restart_of"] == pid
        until(lambda: not lives(pid), "the end of the first")


def test_one_overseer_a_database(own: OverseerStand) -> None:
    own.start()
    second = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--port", "0"],
        cwd=own.folder,
        env=own.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    last = second.stderr.strip().splitlines()[-1]
    assert last.startswith("ccmux-overseer: another overseer holds ")
    with own.client() as client:
        assert client.answer("list")["type"] == "tasks"


def test_a_database_of_an_older_overseer_is_left_as_it_is(own: OverseerStand) -> None:
    path = own.folder / "overseer.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE tasks (task_id TEXT PRIMARY KEY, command TEXT)")
        db.execute("INSERT INTO tasks VALUES ('old', 'sleep')")
        db.commit()
    own.start()
    with own.client() as client:
        assert client.tasks() == {}
    own.stop()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM tasks").fetchall() == [("old", "sleep")]


def kept(stand: OverseerStand, task_id: str, column: str) -> object:
    with closing(sqlite3.connect(f"file:{stand.folder}/overseer.db?mode=ro", uri=True)) as db:
        row = db.execute(f"SELECT {column} FROM task WHERE task_id = ?", (task_id,)).fetchone()
    return row and row[0]


def nursery_of(stand: OverseerStand) -> int:
    assert stand.process is not None
    threads = Path(f"/proc/{stand.process.pid}/task").iterdir()
    [pid] = [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    return pid
