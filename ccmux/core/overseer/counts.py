"""What an overseer has done so far, as figures that Prometheus reads. It counts nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccmux.core.overseer.task import TaskState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True, kw_only=True)
class Counts:
    """Totals since the start."""

    started: int = 0
    restarted: int = 0
    exited: int = 0
    errored: int = 0
    output_lines: int = 0
    output_bytes: int = 0

    def told(
        self, *, tasks: Mapping[TaskState, int], running: int, clients: int, clients_cut_off: int
    ) -> str:
        """Return the figures in Prometheus' text format.

        Args:
            tasks: How many are in each state.
            running: How many processes run.
            clients: How many are connected.
            clients_cut_off: How many were too slow so far.

        """
        lines = ["# TYPE ccmux_overseer_tasks gauge"]
        lines += [f'ccmux_overseer_tasks{{state="{state}"}} {tasks.get(state, 0)}' for state in TaskState]
        for name, kind, value in (
            ("running", "gauge", running),
            ("clients", "gauge", clients),
            ("clients_cut_off_total", "counter", clients_cut_off),
            ("started_total", "counter", self.started),
            ("restarted_total", "counter", self.restarted),
            ("exited_total", "counter", self.exited),
            ("errored_total", "counter", self.errored),
            ("output_lines_total", "counter", self.output_lines),
            ("output_bytes_total", "counter", self.output_bytes),
        ):
            lines += [f"# TYPE ccmux_overseer_{name} {kind}", f"ccmux_overseer_{name} {value}"]
        return "\n".join(lines) + "\n"
