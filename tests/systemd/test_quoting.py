"""What a rendered unit says is what its program is given: words, variables, folder and input, to the byte."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccmux.core.settings import Settings, TimerSettings
from ccmux.core.units import render
from tests.systemd.rendered import deployment
from tests.systemd.stand import SystemdStand

TELL = f"""\
#!{sys.executable} -IS
import json, os, sys
told = {{"argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd(), "program": sys.argv[0]}}
open(os.environ["TOLD"], "w").write(json.dumps(told))
"""

NAMES = (
    *(
        "plain",
        "with space",
        "ends with ",
        " begins with",
        "it's",
        'so "so"',
        "back\\slash",
        "ends\\",
        "100%",
    ),
    *(
        "%h",
        "$HOME",
        "${HOME}",
        "$$",
        "a=b",
        "-dash",
        "@at",
        "!bang",
        "+plus",
        ":colon",
        "#hash",
        ";",
        "ünï 日本",
    ),
    *(
        "a;b",
        "~",
        "*",
        "\\x41",
        "\\n",
        "'",
        '"',
        "a\u0085b",
        "a\u2028b",
        "\ufeffbom",
        "e\u0301\u200d",
        "%%",
        "|&<>",
    ),
)
"""Of folders, programs, words and values alike."""

WORDS = (
    "",
    " ",
    "  a  b  ",
    "--",
    "-",
    "$1 $@ $*",
    "`id`",
    "$(id)",
    "%n%i%u%%",
    "\\",
    "\\\\",
    '\\"',
    "long " * 4000,
)

ALPHABET = " '\"\\%$;#={}()@:+-!|~*?&<>,.abnxuU01\u00fc\u65e5"


def at_random(chance: random.Random) -> str:
    return "".join(chance.choices(ALPHABET, k=chance.randint(0, 12)))


def cases() -> list[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Return (name of folder and program, words, variables)."""
    chance = random.Random(0)
    fixed = [(name, (name, *WORDS, f"{name}{name}"), {"A": name, "_b1": f"{name} {name}"}) for name in NAMES]
    drawn = [
        (
            at_random(chance).replace("/", "") + "x",
            tuple(at_random(chance) for _ in range(8)),
            {f"V{number}": at_random(chance) for number in range(8)},
        )
        for _ in range(20)
    ]
    return fixed + drawn


def test_all_comes_back_as_it_was(shared_systemd: SystemdStand) -> None:
    expected: dict[str, dict[str, Any]] = {}
    for number, (name, words, variables) in enumerate(cases()):
        stem = f"ccmux-case{number}"
        project = shared_systemd.folder / "cases" / str(number) / name
        project.mkdir(parents=True)
        program = project / name
        program.write_text(TELL)
        program.chmod(0o700)
        told = shared_systemd.folder / f"told {number}"
        env = {**variables, "TOLD": str(told)}
        where = replace(
            deployment(shared_systemd.home),
            project_dir=project,
            config=project / "ccmux.toml",
            environment={"CCMUX_DATA_DIR": str(project)},
            execs={stem: (str(program), *words)},
        )
        timer = TimerSettings(description=name.rstrip("\\"), startup_delay="1s", exec=("told",), env=env)
        rendered = render(Settings(timers={stem.removeprefix("ccmux-"): timer}), where)
        unit = f"{stem}.service"
        (shared_systemd.unit_dir / unit).write_text(rendered[unit])
        expected[unit] = {
            "told": told,
            "argv": list(words),
            "cwd": str(project),
            "program": str(program),
            "environment": where.variables(env),
        }
    shared_systemd.systemctl("daemon-reload")
    shared_systemd.systemctl("start", *expected)
    for unit, shall in expected.items():
        told = json.loads(Path(shall.pop("told")).read_text())
        given = told.pop("environment")
        told["environment"] = {name: given.get(name) for name in shall["environment"]}
        assert told == shall, (shared_systemd.unit_dir / unit).read_text()


def test_a_message_is_read_as_it_was_by_a_program_whose_words_do_not_show_it(
    shared_systemd: SystemdStand,
) -> None:
    chance = random.Random(1)
    drawn = [" ".join(at_random(chance) for _ in range(6)) + "x" for _ in range(20)]
    messages = [text for text in (*NAMES, *WORDS, *drawn) if text.strip()]
    program = shared_systemd.home / "reads"
    program.write_text('#!/bin/sh\ncat >"$TOLD"\necho "$*" >>"$TOLD"\n')
    program.chmod(0o700)
    where = deployment(shared_systemd.home)
    where = replace(where, programs={**where.programs, "ccmux": str(program)})
    where.project_dir.mkdir(exist_ok=True)
    told = [shared_systemd.folder / f"read {number}" for number in range(len(messages))]
    units = []
    for number, message in enumerate(messages):
        env = {"TOLD": str(told[number])}
        timer = TimerSettings(startup_delay="1s", message=message, env=env)
        units.append(f"ccmux-read{number}.service")
        text = render(Settings(timers={f"read{number}": timer}), where)[units[-1]]
        (shared_systemd.unit_dir / units[-1]).write_text(text)
    shared_systemd.systemctl("daemon-reload")
    shared_systemd.systemctl("start", *units)
    for number, message in enumerate(messages):
        words = f"-C {where.project_dir} send --unless-waiting read{number} -c timer -"
        assert told[number].read_bytes().decode() == f"{message}\n{words}\n"
