"""List, start, stop and reset the overseer's tasks, or read what they print.

Without more it lists them. A task that is known is started as it was the last time; one that is new needs
its command, behind `--`. stop returns once the task has ended; logs shows the newest lines that are kept.
The overseer is the daemon's, or with --url another one.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ccmux.cli.say import as_json, glimpse, printable
from ccmux.core.when import age

if TYPE_CHECKING:
    from ccmux.core.errors import Unreached
    from ccmux.drivers.overseer_client import OverseerClient

EXAMPLES = """\
examples:
  ccmux tasks                                    what runs
  ccmux tasks logs -f telegram
  ccmux tasks start tunnel -- ssh -N -R 9000:localhost:9000 box
  ccmux tasks stop tunnel; ccmux tasks start tunnel
  ccmux tasks reset telegram                     start one that was given up
  ccmux tasks --url ws://127.0.0.1:8080/ws       of a ccmux-overseer
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what to do with which."""
    _add_options(parser, url=None, json=False)
    parser.set_defaults(action="list")
    actions = parser.add_subparsers(metavar="ACTION")
    for action, says in (
        ("list", "what runs, and what became of it (without an ACTION too)"),
        ("start", "start a task, as the last time or by a command"),
        ("stop", "end a task with all that it started"),
        ("reset", "start a task that was given up"),
        ("logs", "show what a task printed"),
    ):
        one = actions.add_parser(action, help=says, allow_abbrev=False)
        one.set_defaults(action=action)
        _add_options(one, url=SUPPRESS, json=SUPPRESS)
        if action != "list":
            one.add_argument("task", metavar="TASK", help="its name")
        if action == "start":
            one.add_argument("command", nargs="*", metavar="WORD", help="its command, behind --")
        if action == "logs":
            one.add_argument("-f", "--follow", action="store_true", help="go on with what comes")


def run(arguments: Namespace) -> int:
    """Ask and print."""
    from ccmux.core.errors import RequestRefused

    with _overseer(arguments) as overseer:
        try:
            _do(overseer, arguments)
        except RequestRefused as refusal:
            raise RequestRefused(_plainly(str(refusal), arguments)) from refusal
    return 0


def _do(overseer: OverseerClient, arguments: Namespace) -> None:
    match arguments.action:
        case "list":
            _list(overseer, in_json=arguments.json)
        case "start":
            _start(overseer, arguments)
        case "stop":
            _stop(overseer, arguments)
        case "reset":
            _say(overseer.ask("reset", task_id=arguments.task), arguments)
        case _:
            _logs(overseer, arguments)


def _plainly(refusal: str, arguments: Namespace) -> str:
    """Return the overseer's words, which older clients know, with the way out."""
    from ccmux.core.overseer.task import NO_TASK, NOT_ERRORED, RUNS_ALREADY

    command = "ccmux tasks" if arguments.url is None else f"ccmux tasks --url {shlex.quote(arguments.url)}"
    name = shlex.quote(getattr(arguments, "task", ""))
    return {
        NO_TASK: f"there is no task {name}; `{command}` lists those there are",
        RUNS_ALREADY: f"{name} runs already; to start it anew: {command} stop {name}, then start it",
        NOT_ERRORED: f"{name} was not given up; where it does not run: {command} start {name}",
    }.get(refusal, refusal)


def _add_options(parser: ArgumentParser, *, url: Any, json: Any) -> None:
    parser.add_argument(
        "--url", type=_url, metavar="URL", default=url, help="of another overseer than the daemon's"
    )
    says = "the overseer's own messages, one a line"
    parser.add_argument("--json", action="store_true", default=json, help=says)


def told(task: Mapping[str, Any], *, now_s: float) -> str:
    """Return a task as one line for a person."""
    runs = task.get("worker_state") == "running"
    last = task.get("last_started_at") if runs else task.get("last_exited_at")
    since = (
        f" for {_age(str(last), now_s)}"
        if last and runs
        else f" {_age(str(last), now_s)} ago"
        if last
        else ""
    )
    how = (
        f"runs, pid {task.get('current_pid')}{since}" if runs else f"ended{since}" if last else "not started"
    )
    if not runs and "last_exit_code" in task:
        how += f", exit code {task['last_exit_code']}"
    if restarts := task.get("restart_count"):
        how += f", {restarts} restarts"
    if error := task.get("error_message"):
        how += f", {error}"
    words = " ".join([str(task.get("command")), *map(str, task.get("args", ()))])
    name = printable(str(task.get("task_id")))
    return f"{name:20} {task.get('state')!s:8} {glimpse(how, chars=120)}: {glimpse(words, chars=80)}"


def _overseer(arguments: Namespace) -> OverseerClient:
    from ccmux.cli.place import find_place
    from ccmux.drivers.overseer_client import OverseerClient
    from ccmux.paths import find_secrets_dir, read_secret

    held = read_secret(find_secrets_dir(os.environ) / "api_token")
    token = (held or b"").decode("ascii", "replace").strip()
    if arguments.url is not None:
        return OverseerClient(arguments.url, token=token, who="overseer", way_out=_way_out)
    place = find_place(arguments)
    url = f"ws://127.0.0.1:{place.settings.mcp.port}/ws/overseer"
    return OverseerClient(url, token=token, who="daemon", way_out=place.way_out)


def _url(word: str) -> str:
    if not word.startswith(("ws://", "wss://")):
        raise ArgumentTypeError(f"must be ws://HOST:PORT/ws, it is {word!r}")
    return word


def _way_out(unreached: Unreached) -> str:
    """Return what to do where the overseer of --url is not reached."""
    from ccmux.core.errors import Unreached

    return {
        Unreached.NOBODY: "start it with `ccmux-overseer`, or see that the URL is its ws://HOST:PORT/ws",
        Unreached.OTHER: "see that the URL is the ws://HOST:PORT/ws of a ccmux-overseer",
        Unreached.SILENT: "it hangs, or has very much to do: what it prints says why",
    }.get(unreached, "")


def _list(overseer: OverseerClient, *, in_json: bool) -> None:
    tasks = overseer.ask("list")["tasks"]
    if in_json:
        print(as_json(tasks))
    elif not tasks:
        print("there are no tasks")
    for task in () if in_json else tasks:
        print(told(task, now_s=time.time()))


def _start(overseer: OverseerClient, arguments: Namespace) -> None:
    from ccmux.core.errors import RequestRefused

    wish: dict[str, Any] = {"task_id": arguments.task}
    known = _task(overseer, arguments.task)
    if arguments.command:
        wish |= {"command": arguments.command[0], "args": arguments.command[1:]}
    elif known is not None:
        wish |= {
            "command": known["command"],
            "args": known["args"],
            "retry_policy": known.get("retry_policy"),
        }
    else:
        raise RequestRefused(f"there is no task '{arguments.task}'; to make it, give its command behind --")
    _say(overseer.ask("start", **wish), arguments)


def _stop(overseer: OverseerClient, arguments: Namespace) -> None:
    before = _task(overseer, arguments.task)
    if before is None:
        overseer.ask("stop", task_id=arguments.task)  # it says that there is none
        return
    id_ = overseer.send("stop", task_id=arguments.task)
    if before.get("worker_state") != "running":
        # It has no end to be told of; the answer to the next question comes behind what was done.
        overseer.ask("list")
        _say({"type": "stopped", "task_id": arguments.task}, arguments)
        return
    for message in overseer.messages():
        if message.get("id") == id_:
            _say(message, arguments)
            return


def _logs(overseer: OverseerClient, arguments: Namespace) -> None:
    from ccmux.core.errors import RequestRefused

    if arguments.follow:
        overseer.send("subscribe", task_id=arguments.task)
    replay = overseer.send("replay", task_id=arguments.task)
    end = overseer.send("list")
    last_seq = 0
    for message in overseer.messages():
        if message.get("id") == replay:
            raise RequestRefused(str(message.get("message")))
        if message.get("id") == end and not arguments.follow:
            return
        kind, seq = message.get("type"), message.get("seq", 0)
        if kind not in {"output", "exited", "started", "restarting", "errored"} or 0 < seq <= last_seq:
            continue  # an answer, or what was told a moment before
        last_seq = max(seq, last_seq)
        if arguments.json:
            print(as_json(message), flush=True)
        elif kind == "output":
            print(printable(str(message.get("data")), keep="\t"), flush=True)
        else:
            sys.stderr.write(f"ccmux: {_event(message)}\n")


def _say(message: Mapping[str, Any], arguments: Namespace) -> None:
    print(as_json(message) if arguments.json else _event(message))


def _event(message: Mapping[str, Any]) -> str:
    """Return what became of a task in words."""
    name = printable(str(message.get("task_id")))
    match message.get("type"):
        case "started":
            return f"{name} runs, pid {message.get('pid')}"
        case "exited":
            how = message.get("signal") or f"exit code {message.get('exit_code')}"
            return f"{name} has ended, {how}"
        case "restarting":
            return f"{name} starts again in {message.get('restart_delay')}"
        case "errored":
            return f"{name} was given up after {message.get('exit_count')} ends; ccmux tasks reset {name}"
        case kind:
            return f"{name} is {kind}"


def _task(overseer: OverseerClient, task_id: str) -> dict[str, Any] | None:
    tasks: list[dict[str, Any]] = overseer.ask("list")["tasks"]
    return next((task for task in tasks if task["task_id"] == task_id), None)


def _age(at: str, now_s: float) -> str:
    from ccmux.core.overseer.events import parse_rfc3339

    then = parse_rfc3339(at)
    return "?" if then is None else age(max(0.0, now_s - then))
