import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ccmux.drivers.processes import Processes

GONE = 2**22 + 1  # above the kernel's largest pid


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "infinity"]) as process:
        yield process
        process.kill()


def test_the_end_of_a_process_is_told(child: subprocess.Popen[bytes]) -> None:
    async def story() -> None:
        processes = Processes()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(processes.wait_exit(child.pid, processes.start_time(child.pid)))
            await asyncio.sleep(0)
            assert not waiting.done()
            child.kill()

    asyncio.run(story())
    assert Processes().state(child.pid) == "Z"  # told although nobody has reaped it


def test_another_process_under_the_same_pid_is_not_waited_for(child: subprocess.Popen[bytes]) -> None:
    asyncio.run(Processes().wait_exit(child.pid, "1"))
    asyncio.run(Processes().wait_exit(GONE, "1"))


def test_waiting_can_be_given_up_and_leaves_nothing_open(child: subprocess.Popen[bytes]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    async def story() -> None:
        selector = cast("Any", asyncio.get_running_loop())._selector
        watched = list(selector.get_map())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await Processes().wait_exit(child.pid, Processes().start_time(child.pid))
        assert list(selector.get_map()) == watched

    asyncio.run(story())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_start_time_is_the_kernels_and_a_program_cannot_forge_it_by_its_name(
    child: subprocess.Popen[bytes],
) -> None:
    asked = Processes().start_time(child.pid)
    assert asked.isdigit()
    ours = os.getpid()
    real = Processes().start_time(ours)
    with Path("/proc/self/comm").open("r+") as comm:
        name = comm.read().strip()
        comm.seek(0)
        comm.write("x) T 1 (2 3) 4")
    try:
        assert Processes().start_time(ours) == real
        assert Processes().state(ours) == "R"
    finally:
        Path("/proc/self/comm").write_text(name)


def test_a_suspended_process_is_seen_so(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert Processes().state(child.pid) == "T"
    child.send_signal(signal.SIGCONT)
    os.waitid(os.P_PID, child.pid, os.WCONTINUED)
    assert Processes().state(child.pid) in {"R", "S", "D"}


def test_a_pid_that_nobody_has_is_empty() -> None:
    assert Processes().start_time(GONE) == ""
    assert Processes().state(GONE) == ""
    assert Processes().started_at(GONE) == 0


def test_a_start_is_told_in_wall_time(child: subprocess.Popen[bytes]) -> None:
    now = time.time()
    assert now - 60 < Processes().started_at(child.pid) < now + 1


def test_without_a_start_time_whoever_has_the_pid_is_waited_for(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    asyncio.run(Processes().wait_exit(child.pid))


def test_the_environment_of_a_start_is_told_and_that_of_nobody_is_none() -> None:
    environment = {"PATH": os.environ["PATH"], "EMPTY": "", "TEXT": "a=b\nc"}
    with subprocess.Popen(["sleep", "1000"], env=environment) as process:
        try:
            # Between fork and exec it still has ours.
            while Processes().environment(process.pid) != environment:
                assert process.poll() is None
        finally:
            process.kill()
    assert Processes().environment(process.pid) is None
