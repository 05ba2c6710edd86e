"""Figures as Prometheus reads them."""

from __future__ import annotations

from ccmux.core.overseer.counts import Counts
from ccmux.core.overseer.task import TaskState


def test_every_figure_has_its_kind_and_value() -> None:
    counts = Counts(started=9, restarted=4, exited=8, errored=1, output_lines=70, output_bytes=700)
    told = counts.told(
        tasks={TaskState.ACTIVE: 2, TaskState.ERRORED: 1}, running=1, clients=3, clients_cut_off=5
    )
    lines = [line.removeprefix("ccmux_overseer_") for line in told.splitlines() if not line.startswith("#")]
    assert lines == [
        *('tasks{state="active"} 2', 'tasks{state="stopped"} 0', 'tasks{state="errored"} 1'),
        *("running 1", "clients 3", "clients_cut_off_total 5", "started_total 9", "restarted_total 4"),
        *("exited_total 8", "errored_total 1", "output_lines_total 70", "output_bytes_total 700"),
    ]
    kinds = [line.split()[2:] for line in told.splitlines() if line.startswith("# TYPE ")]
    assert all(kind == ("counter" if name.endswith("_total") else "gauge") for name, kind in kinds)
    assert len(kinds) == 10
    assert told.endswith("\n")
