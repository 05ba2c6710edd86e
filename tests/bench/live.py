"""Live status: how fast transcripts are read and how long a hook takes, beside what can be had at all."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ccmux.core.live.claims import Claims
from ccmux.core.live.metrics import Meter, Totals
from ccmux.drivers import live_hook
from ccmux.drivers.growing_files import TranscriptFiles
from ccmux.drivers.state_dir import make_private
from ccmux.ports import Position
from ccmux.trial.waiting import until
from tests.live.corpus import Truth, make_corpus
from tests.live.desk import holders

RUNS = 5
HOOK_RUNS = 50
MB = 1_000_000


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="scripts/bench live", description=__doc__)
    parser.add_argument("--mb", type=int, default=500, help="size of the corpus (default: 500)")
    size = parser.parse_args().mb * MB
    folder = Path(tempfile.mkdtemp(prefix="ccmux-live-"))
    try:
        truths = make_corpus(folder, size)
        _reading(truths)
        _one_more_line(folder)
        _hooks(folder)
    finally:
        shutil.rmtree(folder)


def _reading(truths: dict[Path, Truth]) -> None:
    paths = list(truths)
    whole = sum(path.stat().st_size for path in paths)
    _floor(paths)  # once, so that all is in the page cache
    floors, reads = [], []
    for _ in range(RUNS):
        floors.append(_in_a_process(_floor, paths)[0])
        took_s, peak_mb, totals = _in_a_process(_read, paths)
        reads.append(took_s)
    for totals_of, (path, truth) in zip(totals, truths.items(), strict=True):
        assert _seen(totals_of) == truth, f"{path.name}: {_seen(totals_of)} is not {truth}"
    floor_s, read_s = statistics.median(floors), statistics.median(reads)
    print(f"corpus: {whole / MB:.0f} MB in {len(paths)} files; all totals exact")
    print(
        f"read and count newlines: {floor_s:.2f} s; first pass: {read_s:.2f} s, {read_s / floor_s:.1f} times"
    )
    print(
        f"peak RSS of the first pass: {peak_mb:.0f} MB; a Python with the same modules: {_bare_mb():.0f} MB"
    )


def _seen(totals: Totals) -> Truth:
    return Truth(
        fresh=totals.fresh,
        written=totals.written,
        read=totals.read,
        output=totals.output,
        tool_calls=totals.tool_calls,
        user_prompts=totals.user_prompts,
        active_s=totals.active_s,
        last_prompt=totals.last_prompt,
    )


def _floor(paths: Sequence[Path]) -> int:
    lines = 0
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(1 << 18):
                lines += chunk.count(b"\n")
    return lines


def _read(paths: Sequence[Path]) -> list[Totals]:
    files, claims = TranscriptFiles(), Claims()
    meters = [Meter(path.stem, claims) for path in paths]
    for meter, path in zip(meters, paths, strict=True):
        for piece in files.grown(str(path), Position()):
            for line in piece.lines:
                meter.take(line)
    return [meter.totals for meter in meters]


def _bare_mb() -> float:
    return float(_in_a_process(len, [])[1])


def _in_a_process(work: Callable[..., object], paths: Sequence[Path]) -> tuple[float, float, list[Totals]]:
    """Do it in a fresh process; return CPU seconds, its peak RSS in MB, and what came out."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, work, paths))
    process.start()
    told: tuple[float, float, list[Totals]] = ours.recv()
    process.join()
    return told


def _work(told: Connection, work: Callable[..., object], paths: Sequence[Path]) -> None:
    began_s = time.process_time()  # others who use the machine count for nothing
    done = work(paths)
    took_s = time.process_time() - began_s
    told.send((took_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, done))


def _one_more_line(folder: Path) -> None:
    """Measure what one more line costs beside all that was read before."""
    path = folder / "session-0.jsonl"
    with path.open("ab") as file:
        file.write(b"\n")
    files, meter = TranscriptFiles(), Meter("s", Claims())
    position = Position()
    for piece in files.grown(str(path), position):
        position = piece.position
        for line in piece.lines:
            meter.take(line)
    line = json.dumps({"type": "user", "message": {"role": "user", "content": "one more"}}).encode() + b"\n"
    took = []
    for _ in range(HOOK_RUNS):
        with path.open("ab") as file:
            file.write(line)
        began_s = time.perf_counter()
        for piece in files.grown(str(path), position):
            position = piece.position
            for one in piece.lines:
                meter.take(one)
        took.append((time.perf_counter() - began_s) * 1e3)
    print(
        f"one more line of a {path.stat().st_size / MB:.0f} MB transcript: {statistics.median(took):.3f} ms"
    )


def _hooks(folder: Path) -> None:
    """Measure what Claude waits for, with a publisher that runs, beside a transcript of 50 MB."""
    home = folder / "home"
    live = home / ".ccmux/data/live"
    make_private(live)
    transcript = home / "projects/p/big.jsonl"
    transcript.parent.mkdir(parents=True)
    [made] = make_corpus(folder, 50 * MB, sessions=1)
    made.rename(transcript)
    environment = {
        **os.environ,
        "HOME": str(home),
        "CCMUX_DATA_DIR": str(home / ".ccmux/data"),
        "CCMUX_SECRETS_DIR": str(home / ".ccmux/secrets"),
        "CC_LIVE_ENDPOINT": "http://127.0.0.1:9",
        "CC_LIVE_API_KEY": "k",
        "CLAUDE_PID": str(os.getpid()),
    }
    payload = json.dumps({"session_id": "big", "transcript_path": str(transcript), "cwd": str(home)}).encode()
    program = str(Path(sys.executable).with_name("ccmux"))
    serving = subprocess.Popen(
        [program, "live", "serve"], env=environment, cwd=home, stderr=subprocess.DEVNULL
    )
    until(lambda: holders(live / "publisher.lock") == [serving.pid], "a publisher")
    shim = live / "hook.sh"
    live_hook.install(shim)
    publisher = (program, "live", "serve")
    try:
        for verb in (live_hook.REGISTER, live_hook.UNREGISTER):
            argv = live_hook.command(shim, live, verb, live_hook.IF_TOLD, publisher)
            print(f"installed hook, {verb}: {_took(argv, payload, environment)}")
            argv = (program, "live", verb)
            print(f"ccmux live {verb}: {_took(argv, payload, environment)}")
        print(f"a process that does nothing: {_took(('/bin/true',), b'', environment)}")
    finally:
        serving.terminate()
        serving.wait()


def _took(argv: Sequence[str], payload: bytes, environment: dict[str, str]) -> str:
    """Return how long a program takes, and how long it keeps a processor busy."""
    wall, cpu = [], []
    for _ in range(HOOK_RUNS):
        before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(argv, input=payload, env=environment, check=True)
        wall.append((time.perf_counter() - began_s) * 1e3)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3)
    best_ms = min(wall)
    return f"{statistics.median(wall):.1f} ms (best {best_ms:.1f}), CPU {statistics.median(cpu):.1f} ms"


if __name__ == "__main__":
    main()
