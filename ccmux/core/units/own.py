"""ccmux's own units: the target, the daemon, what brings the units up to date at boot, and the relay."""

from __future__ import annotations

from ccmux.core.settings import RelaySettings, Settings, project_name
from ccmux.core.units.place import Deployment
from ccmux.core.units.syntax import command, environment, plain, unit

OWN = TARGET, DAEMON, RECONCILE, RELAY = (
    "ccmux.target",
    "ccmux.service",
    "ccmux-reconcile.service",
    "ccmux-relay.service",
)

_PRESERVES_STORE = 254
"""The systemd from which on a descriptor store can outlive a stop."""
_WAITS_LONGER = 254
"""The systemd from which on the wait before a start can grow with each failure."""


STRICT = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "UMask=0077",
)
"""What a user's manager can apply without a mount namespace: a /tmp of its own would hide the FIFOs.

Left out, for programs that need them: RestrictNamespaces (browsers), MemoryDenyWriteExecute (node). Of the
others systemd 252 ignores most where the manager is not root's, and fails at some (ProtectClock).
"""


def own_units(settings: Settings, where: Deployment) -> dict[str, str]:
    """Return the units that every deployment has, and the relay's where it is wanted here."""
    units = {TARGET: _target(where), DAEMON: _daemon(settings, where), RECONCILE: _reconcile(where)}
    if settings.relay.enabled:
        units[RELAY] = _relay(settings.relay, where)
    return units


def journal(name: str) -> list[str]:
    """Return the settings that send what a program prints to the journal, under this name."""
    return ["StandardOutput=journal", "StandardError=journal", f"SyslogIdentifier={name}"]


def _target(where: Deployment) -> str:
    return unit(
        where.config,
        {
            "Unit": ["Description=ccmux: the daemon, its adapters and timers"],
            "Install": ["WantedBy=default.target"],
        },
    )


def _daemon(settings: Settings, where: Deployment) -> str:
    """Return the daemon's unit.

    There is no sandbox: what restricts a process is inherited by its children, and a scope is but another
    control group. Measured on systemd 252, in a tmux that was started from a service by `systemd-run --user
    --scope`: seccomp filters (Restrict*, Lock*, SystemCall*, MemoryDenyWriteExecute; without root each brings
    no_new_privs), mount namespaces (Protect*, Private*), umask, capabilities, limits and OOMScoreAdjust all
    arrive there. They would take sudo, ping, the node JIT or /tmp from Claude. Limits of the control group
    (MemoryMax, TasksMax) do not arrive, but would where no scope could be made.
    """
    store = ["FileDescriptorStoreMax=64"]
    if where.systemd is not None and where.systemd >= _PRESERVES_STORE:
        store.append("FileDescriptorStorePreserve=yes")
    patience = ["RestartSec=5"]
    if where.systemd is not None and where.systemd >= _WAITS_LONGER:
        # What is wrong for days is no reason for 17,000 starts a day, each with its lines in the journal.
        patience += ["RestartSteps=5", "RestartMaxDelaySec=60"]
    project = project_name(settings, where.project_dir.name)
    return unit(
        where.config,
        {
            "Unit": [
                plain("Description", f"ccmux: Claude Code of {project} in tmux"),
                "PartOf=ccmux.target",
                # It never gives up: a full disk or a broken ccmux.toml is mended later, and then it is there.
                "StartLimitIntervalSec=0",
            ],
            "Service": [
                "Type=notify",
                "NotifyAccess=main",
                command("ExecStart", where.call("ccmux")),
                *environment(where.variables({"FDSTORE": "64"})),
                "Restart=on-failure",
                *patience,
                # The loop says that it lives, several times in this. It waits for nothing by design; a minute
                # is more than a bad disk takes for a commit, and less than people need to notice a silence.
                "WatchdogSec=60",
                # Before it is ready it may have to copy and migrate a large database.
                "TimeoutStartSec=300",
                # It ends by itself within about ten seconds.
                "TimeoutStopSec=30",
                # Claude outlives the daemon. It is in a scope of its own; where none could be made it is in
                # this control group, and this is what spares it.
                "KillMode=process",
                # Memory that ran out for a child, Claude or its compiler, is no reason to end the daemon.
                "OOMPolicy=continue",
                *store,
                *journal("ccmux"),
            ],
            "Install": ["WantedBy=ccmux.target"],
        },
    )


def _reconcile(where: Deployment) -> str:
    """Return the unit that runs ccmux-deploy at boot.

    It is wanted by default.target and comes after ccmux.target: by then all start jobs are done, so no job
    that ccmux-deploy asks for waits for one that waits for this. Where the settings file is wrong it changes
    nothing: the units stay as they were deployed last.
    """
    return unit(
        where.config,
        {
            "Unit": [
                "Description=ccmux: units as ccmux.toml has them",
                "PartOf=ccmux.target",
                "After=ccmux.target",
            ],
            "Service": [
                "Type=oneshot",
                command("ExecStart", where.call("ccmux-deploy")),
                *environment(where.variables({})),
                "TimeoutStartSec=600",
                *journal("ccmux-reconcile"),
            ],
            "Install": ["WantedBy=default.target"],
        },
    )


def _relay(relay: RelaySettings, where: Deployment) -> str:
    """Return the relay's unit. Its key is in a file that it reads itself: no unit and no command shows it."""
    argv = [where.programs["ccmux-relay"], "--host", relay.host, "--port", str(relay.port)]
    if relay.origins:
        argv += ["--origins", " ".join(relay.origins)]
    if relay.proxies:
        argv += ["--proxies", " ".join(relay.proxies)]
    for option, path in (("--certfile", relay.certfile), ("--keyfile", relay.keyfile)):
        if path:
            argv += [option, str(where.home / path[2:]) if path.startswith("~/") else path]
    return unit(
        where.config,
        {
            "Unit": [
                "Description=ccmux: relay of live status",
                "PartOf=ccmux.target",
                # What is wrong is its settings, its key or its port: nothing that gets better by itself.
                "StartLimitIntervalSec=300",
                "StartLimitBurst=10",
            ],
            "Service": [
                "Type=exec",
                command("ExecStart", argv),
                *environment(where.variables({})),
                "Restart=on-failure",
                "RestartSec=5",
                *journal("ccmux-relay"),
                *STRICT,
            ],
            "Install": ["WantedBy=ccmux.target"],
        },
    )
