import pytest

from ccmux.core.runs import Run, told_runs

RUNS = [
    Run(started_at=10.0, alive_at=20.0, ended_at=20.0),
    Run(started_at=30.0, alive_at=40.0),
    Run(started_at=50.0, alive_at=60.0),
]


@pytest.mark.parametrize(
    ("runs", "since", "told"),
    [
        ([], None, []),
        (RUNS[2:], None, [(50.0, None, None)]),
        (RUNS, None, [(10.0, None, "stopped"), (30.0, 20.0, "killed"), (50.0, 40.0, None)]),
        (RUNS, 20.0, [(10.0, None, "stopped"), (30.0, 20.0, "killed"), (50.0, 40.0, None)]),
        (RUNS, 21.0, [(30.0, 20.0, "killed"), (50.0, 40.0, None)]),
        (RUNS, 99.0, [(50.0, 40.0, None)]),
    ],
)
def test_each_run_tells_when_there_was_none_before_it_and_how_it_ended(
    runs: list[Run], since: float | None, told: list[tuple[float, float | None, str | None]]
) -> None:
    assert [tuple(one.values()) for one in told_runs(runs, since=since)] == told
