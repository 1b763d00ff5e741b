"""Model files and states that anybody may have edited: each is refused, soon and in little memory, or it answers."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import edited_files
import pytest
import small_runs
from attacks import Tally, size
from cli_runs import Result, run

pytestmark = pytest.mark.faults

MORE_DATA = {
    "two.csv": "month,a,b\n"
    + "".join(f"{2001 + i // 12}-{i % 12 + 1:02d},{50 + i % 12},{20 + i * 7 % 12}\n" for i in range(72)),
    "joined.csv": "year,month,a\n" + "".join(f"{2001 + i // 12},{i % 12 + 1},{50 + i % 12}\n" for i in range(72)),
    "words.csv": "text,label\n"
    + "".join(f"the {('red', 'blue')[i % 2]} {('fox', 'hen', 'cow')[i % 3]},{'xy'[i % 2]}\n" for i in range(48)),
    "values.csv": "id,label,u,v\n"
    + "".join(f"s{i // 6},{'xy'[i // 6 % 2]},{(i // 6 % 2) + i % 5},{i * 3 % 7}\n" for i in range(240)),
}
_TRAINED = f"{small_runs.SMALL}\n{small_runs.THREE}}}\n"
_FORECAST = "task: forecast\ndata: {{path: {}, horizon: 3, context: 12, validation: 0.2{}}}\n"
_LABELS = "task: classify\ndata: {{path: {}, validation: 0.25{}}}\n"
MORE = {
    "side by side": _FORECAST.format("two.csv", ", target: [a, b], channels: independent") + _TRAINED,
    "joined": _FORECAST.format("joined.csv", ", time: [year, month]") + _TRAINED,
    "recursive": _FORECAST.format("series.csv", ", calendar: true")
    + "model: {cell: gru, hidden_size: 4, num_layers: 1, decoder: recursive}\n"
    + f"{small_runs.THREE}, seeds: 2}}\n",
    "words": _LABELS.format("words.csv", ", tokens: word, residual: naive-bayes") + _TRAINED,
    "values": _LABELS.format("values.csv", ", id: id, residual: echo-state")
    + f"{small_runs.SMALL}\n{small_runs.THREE}}}\n",
    "with a 5-gram": small_runs.CONFIGS["language-model"].replace("bptt: 16", "bptt: 16, with_ngram: true"),
}
KINDS = [*(kind for kind in small_runs.CONFIGS if kind != "watch-grads"), *MORE][:: size(2, 1)]
DATA = [*small_runs.DATA, *MORE_DATA, "new.txt"]
_TEXT = [
    "generate {run} --length 5 --seed 1",
    "score {run} new.txt",
    "predict {run} new.txt",
    "compress {run} new.txt -o {out}",
]
_AHEAD = ["predict {run} -f csv", "predict {run} series.csv --levels 80"]
PREDICTED = {
    "language-model": _TEXT,
    "with a 5-gram": _TEXT,
    "forecast": _AHEAD,
    "recursive": _AHEAD,
    "joined": ["predict {run}", "predict {run} joined.csv"],
    "side by side": ["predict {run}", "predict {run} two.csv"],
    "caption": ["predict {run} captions.csv"],
    "values": ["predict {run} values.csv"],
    "transcribe": ["predict {run} steps.csv", "predict {run} steps.csv --beam 4"],
}
OF_ALL = [
    "evaluate {run}",
    "inspect-grads {run}",
    "check {run}",
    "train --from {run} -o {out} -q --set training.epochs=1",
    "runs .",
    "report {run} -o {out}.html",
    "plot {run} -o {out}.svg",
    "export {run} --to onnx -o {out}.onnx",
    "export {run} --to pytorch -o {out}",
]
OF_STATES = [
    "train -o {run} -q --resume --set training.epochs=4",
    "train -o {run} -q --resume",
    "inspect-grads {run} --at last",
    "train --from {run} -o {out} -q --set training.epochs=1",
    "evaluate {run}",
    "check {run}",
]
FOUND = [  # by these attacks, with the exit code that is right
    ("side by side", ("series", "delimiter"), "key", "predict {run} two.csv", 4),
    ("words", ("answers", "scale"), -1e300, "predict {run} words.csv", 4),
    ("values", ("answers", "scale"), 1e300, "predict {run} values.csv", 4),
    ("forecast", ("series", "power"), -1e300, "predict {run}", 4),
    ("regress", ("columns", "text"), None, "predict {run} new.txt", 4),
    ("tag", ("columns", "label"), "key", "predict {run} new.txt", 4),
    ("tag", ("columns", "text"), "0", "predict {run} new.txt", 4),
    ("transcribe", ("scaler", "scale"), [1e300, 1e300], "predict {run} steps.csv", 4),
    ("regress", ("answers", "centre"), 1e300, "train --from {run} -o {out} -q --set training.epochs=1", 3),
    ("caption", ("data",), {}, "predict {run} captions.csv", 0),
]
AT_ONCE = 50  # tries of one process
SLOW = "takes"
LONGEST = 60  # seconds of a try, on a machine that may be busy
REFUSED_IN, ANSWERED_IN = 0.5, 5.0  # seconds of computing
PER_MB = 0.1  # seconds more that a file of so many megabytes may take
MEMORY = 300  # MB more than before
ROOM = 2 << 30  # bytes of addresses beyond those in use, which threads reserve some of


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every kind."""
    folder = tmp_path_factory.mktemp("trained")
    small_runs.write(folder)
    more = MORE_DATA | {f"{kind}.yaml": text for kind, text in MORE.items()}
    for name, text in more.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "new.txt").write_text("The fox\nab c\n", encoding="utf-8")
    for kind in {*KINDS, *(one for one, *_ in FOUND)}:
        run(*small_runs.command(kind, kind.replace(" ", "-")), cwd=folder).ok()
    return folder


def asked_of(kind: str) -> list[str]:
    """The commands that read the model of a kind."""
    return [*PREDICTED.get(kind, ["predict {run} new.txt"]), *OF_ALL]


def attacked(
    trained: Path, folder: Path, file: str, commands: dict[str, list[str]], tries: range
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What became of each try, with its words: an edited `file` of a run, and a command that reads it.

    All in a process of its own, which neither a crash nor a file that takes all memory can take along.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            try:
                _attack(trained, folder, file, commands, tries, out)
            except BaseException:
                print(json.dumps({"try": "the attack itself", "code": None, "how": traceback.format_exc()}), file=out)
            out.flush()
            os._exit(0)
    os.close(writer)
    begun = None
    with os.fdopen(reader) as lines:
        for line in lines:
            told = json.loads(line)
            if "code" in told:
                yield told["try"], told
                begun = None
            else:
                begun = told["try"]
    _, status = os.waitpid(pid, 0)
    if begun is not None:
        how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an end"
        yield begun, {"code": None, "how": how}


def _attack(trained: Path, folder: Path, file: str, commands: dict[str, list[str]], tries: range, out: Any) -> None:
    """Make these tries, and tell of each that it begins and how it ends, a line of JSON each."""
    whole = {kind: edited_files.opened((trained / kind.replace(" ", "-") / file).read_bytes()) for kind in commands}
    with open("/proc/self/statm", encoding="ascii") as sizes:
        room = int(sizes.read().split()[0]) * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    for number in tries:
        draw = random.Random(number)
        kind = draw.choice(list(commands))
        words, edited = edited_files.edited(whole[kind], [whole[other] for other in commands], draw)
        command = draw.choice(commands[kind])
        told = f"try {number}: {kind}: {words}: {command}"
        print(json.dumps({"try": told}), file=out, flush=True)
        place = folder / f"t{number}"
        code, fault = _tried(trained, place, kind, file, edited.content(), command)
        if fault.startswith(SLOW):  # as what is loaded or compiled for the first time is
            code, fault = _tried(trained, place, kind, file, edited.content(), command)
        print(json.dumps({"try": told, "code": code, "fault": fault}), file=out, flush=True)


def _tried(trained: Path, place: Path, kind: str, file: str, content: bytes, command: str) -> tuple[int, str]:
    """Return how a command on a run with such a file ended, and its fault."""
    shutil.copytree(trained / kind.replace(" ", "-"), place / "run")
    for name in DATA:
        os.symlink(trained / name, place / name)
    (place / "run" / file).write_bytes(content)
    before, began = _memory(), time.process_time()
    signal.alarm(LONGEST)
    ended = run(*command.format(run="run", out="out").split(), cwd=place)
    signal.alarm(0)
    seconds = time.process_time() - began - PER_MB * len(content) / 1e6
    fault = _fault(ended, seconds, _memory() - before)
    shutil.rmtree(place)
    return ended.code, fault


def _memory() -> int:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _fault(ended: Result, seconds: float, megabytes: int) -> str:
    """What is wrong with this end, in words; nothing if it may be so."""
    if ended.code not in (0, 2, 3, 4, 6, 7):
        return f"exit {ended.code}: {ended.err[-300:]}"
    if "Traceback" in ended.err or "Warning" in ended.err:
        return f"tells Python's words: {ended.err[-300:]}"
    if any(not (c.isprintable() or c in "\n\t") for c in ended.err):  # answers may be any text
        return f"has control characters: {ended.err[-200:]!r}"
    if seconds > (REFUSED_IN if ended.code == 4 else ANSWERED_IN):
        return f"{SLOW} {seconds:.1f} s to end with {ended.code}"
    return f"fills {megabytes} MB" if megabytes > MEMORY else ""


def attack(name: str, trained: Path, folder: Path, file: str, commands: dict[str, list[str]], count: int) -> None:
    tally = Tally(name)
    done = 0
    while done < count:
        for told, end in attacked(trained, folder, file, commands, range(done, min(done + AT_ONCE, count))):
            done += 1
            if end["code"] is None and end["how"] == "SIGALRM" and "'updates'" in told and "--resume" in told:
                tally.count("trains on")  # for as many updates as the state now says
            elif end["code"] is None:
                tally.fail(f"{told}: ended by {end['how']}")
            elif end["fault"]:
                tally.fail(f"{told}: {end['fault']}")
            else:
                tally.count({0: "answered", 4: "refused"}.get(end["code"], f"exit {end['code']}"))
    tally.end(at_least=count)


def test_headers_of_models(trained: Path, tmp_path: Path) -> None:
    commands = {kind: asked_of(kind) for kind in KINDS}
    attack("edited model files", trained, tmp_path, "model.safetensors", commands, size(30, 2000))


@pytest.mark.parametrize(("kind", "keys", "value", "command", "code"), FOUND)
def test_what_no_training_writes_is_refused_or_does_no_harm(
    kind: str, keys: tuple[str, ...], value: object, command: str, code: int, trained: Path, tmp_path: Path
) -> None:
    edited = edited_files.opened((trained / kind.replace(" ", "-") / "model.safetensors").read_bytes())
    holder = edited.header
    for key in keys[:-1]:
        holder = holder[key]
    assert keys[-1] in holder
    holder[keys[-1]] = value
    assert _tried(trained, tmp_path / "it", kind, "model.safetensors", edited.content(), command) == (code, "")


def test_states(trained: Path, tmp_path: Path) -> None:
    commands = dict.fromkeys(KINDS, OF_STATES)
    attack("edited states", trained, tmp_path, "state.safetensors", commands, size(30, 2000))
