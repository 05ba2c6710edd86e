import pytest

from ccmux.drivers.systemd.scope import Scopes


@pytest.mark.parametrize(
    ("environment", "is_service"),
    [
        ({"SYSTEMD_EXEC_PID": "7"}, True),
        # Of a shell in a service, or in a tmux that a service once started.
        ({"SYSTEMD_EXEC_PID": "8", "INVOCATION_ID": "a", "NOTIFY_SOCKET": "/n"}, False),
        ({"INVOCATION_ID": "a", "NOTIFY_SOCKET": "/n"}, True),
        ({"INVOCATION_ID": "a"}, False),
        ({"NOTIFY_SOCKET": "/n"}, False),
        ({}, False),
    ],
)
def test_scopes_are_for_what_systemd_started(environment: dict[str, str], *, is_service: bool) -> None:
    found = Scopes.found(environment | {"PATH": "/nowhere"}, pid=7, project="x")
    assert (found is not None) is is_service


def test_each_time_the_scope_has_another_name_and_an_older_systemd_is_asked_for_less() -> None:
    scopes = Scopes("/usr/bin/systemd-run", project="my-app")
    whole, less = scopes.ways()
    [unit] = [word for word in whole if word.startswith("--unit=")]
    assert unit.startswith("--unit=ccmux-tmux-my-app-")
    assert unit.endswith(".scope")
    assert unit not in scopes.ways()[0]
    assert [word for word in whole if word not in less] == ["--property=OOMPolicy=continue"]
    assert whole[0] == "/usr/bin/systemd-run"
    assert whole[whole.index("--") :] == less[less.index("--") :] == ("--", "env", "-u", "INVOCATION_ID")
