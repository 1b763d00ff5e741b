"""What a stranger can put into names and data, shown on a terminal by every command: it drives nothing there.

HOSTILE stands in names of files, columns and runs, in ids, labels, tokens, texts, config keys and values, and in what a
run says of itself. On a terminal none of its control characters arrive raw, and its markup is no style; in a pipe, data
keep their bytes.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import sys
import termios
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small_runs
from attacks import FULL, Tally, size
from cli_runs import run
from forks import ended, forked

from rnncli.nn import model_file

pytestmark = pytest.mark.faults
HOSTILE = "Zq[/x]\x1b[66;66H\x1b]52;c;QQ==\x07\x9b31m\u202e\x7f\x08"
"""Unclosed markup, a cursor that moves, a clipboard that is written, C1, a bidi override, DEL and a backspace."""
NAMED = HOSTILE.replace("/", "|") + "\n"  # what a file can be called
RUN, CONFIG, DATA = f"run {NAMED}", f"{NAMED}.yaml", "DATA"  # which stands for a name that ends as the kind's data do
OURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours, and the moves of a live display
PARSED = re.compile(r"Zq\\+(?:x1b|u001b)")  # what follows the markup follows Zq at once; a model may write Zq alone
ROWS, COLUMNS = 24, 100


def shown(arguments: list[str], folder: Path) -> tuple[int, str]:
    """(exit code, all that a terminal gets) of a command."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = forked(arguments, folder, partial(_on_terminal, theirs))
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, 65536):
            told += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return ended(process), told.decode("utf-8", "surrogateescape")


def _on_terminal(terminal: int) -> None:
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.pop("COLUMNS", None)
    os.environ["TERM"] = "xterm-256color"


def fault_of(code: int, text: str) -> str:
    """What is wrong with what a terminal got; empty if nothing is."""
    if code == 1 or "Traceback" in text:
        return f"exit {code}: {text[-300:]!r}"
    bare = OURS.sub("", text.replace("\x1b[66;66H", "\a"))
    raw = [c for c in bare if (ord(c) < 32 and c not in "\r\n\t") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]
    if raw:
        return f"raw {sorted(set(raw))}: {bare[max(0, bare.index(raw[0]) - 80) :][:160]!r}"
    if PARSED.search(bare):
        return f"markup is parsed: {bare[max(0, PARSED.search(bare).start() - 80) :][:160]!r}"  # type: ignore[union-attr]
    return ""


def attack(tally: Tally, folder: Path, *arguments: str) -> None:
    """Run a command on a terminal, and count how it ended."""
    code, text = shown(list(arguments), folder)
    if fault := fault_of(code, text):
        tally.fail(f"{arguments}: {fault}")
    else:
        tally.count("hostile text shown" if "Zq" in text else "nothing of it shown")


HOSTILE_DATA = {
    "text.txt": small_runs.TEXT.replace("fox", HOSTILE),
    "series.csv": small_runs.SERIES.replace("month,sales", f"month,{HOSTILE}"),
    "panel.csv": f"shop{HOSTILE},month,sold{HOSTILE}\n"
    + "".join(f"{shop},{line}\n" for shop in (HOSTILE, "two") for line in small_runs.SERIES.splitlines()[1:]),
    "labels.csv": small_runs.LABELLED.replace(",x", f",{HOSTILE}").replace("c", HOSTILE),
    "numbers.csv": small_runs.MEASURED.replace("c", HOSTILE),
    "tags.conll": small_runs.TAGGED.replace("B-who", f"B-{HOSTILE}").replace("Lee", HOSTILE),
    "pairs.tsv": small_runs.PAIRS.replace("a", HOSTILE).replace("d", HOSTILE[::-1]),
    "captions.csv": small_runs.CAPTIONS.replace("C,", f"{HOSTILE},").replace(" b", f" {HOSTILE}"),
}
PANEL = (
    small_runs.CONFIGS["forecast"]
    .replace("series.csv", "panel.csv")
    .replace(
        "horizon",
        json.dumps({"id": f"shop{HOSTILE}", "target": f"sold{HOSTILE}"}, ensure_ascii=True)[1:-1] + ", horizon",
    )
)
CONFIGS = {**small_runs.CONFIGS, "panel": PANEL}
FILES = {
    "language-model": "text.txt",
    "forecast": "series.csv",
    "panel": "panel.csv",
    "classify": "labels.csv",
    "regress": "numbers.csv",
    "tag": "tags.conll",
    "seq2seq": "pairs.tsv",
    "caption": "captions.csv",
}
FORMS = [["-f", form] for form in ("table", "csv", "json", "jsonl", "plot")]
ASKED = {
    "language-model": [
        *(["generate", RUN, "-n", "60", *more] for more in ([], ["-f", "jsonl"], ["--echo", "--prime", HOSTILE])),
        ["generate", RUN, "--prime", "\x1b[66;66H\u2028Zq"],
        *(["score", RUN, DATA, *more] for more in ([], ["--heat"], ["--tokens"], ["--above", "0"], *FORMS[1:4])),
    ],
    "panel": [["predict", RUN, "--follow", DATA, *form] for form in FORMS[:4]],
    "forecast": [["predict", RUN, "--follow", DATA, "--state", NAMED, *form] for form in FORMS[:4]],
    "classify": [["evaluate", RUN, "--confusion", "confusion.csv"]],
    "tag": [["evaluate", RUN, "--confusion", NAMED]],
}
EVERY = [
    ["check", CONFIG],
    ["init", DATA],
    *(["predict", RUN, DATA, *form] for form in FORMS),
    *(["evaluate", RUN, *form] for form in FORMS[:3]),
    *(["inspect-grads", RUN, *form] for form in (*FORMS[:3], FORMS[4])),
    *(["runs", ".", *form] for form in FORMS[:3]),
    ["report", RUN, "-o", f"{NAMED}.html"],
    ["check", RUN],
    ["train", "-o", RUN, "--resume"],
    ["train", CONFIG, "-o", RUN],
    ["predict", f"{RUN}{HOSTILE}"],
]


@pytest.mark.parametrize("kind", FILES)
def test_hostile_data_and_names(kind: str, tmp_path: Path) -> None:
    """The data, their file, the config's and the run's names hold HOSTILE; each command in each format shows them."""
    tally, data = Tally(f"terminal, {kind}"), NAMED + Path(FILES[kind]).suffix
    (tmp_path / data).write_text(HOSTILE_DATA[FILES[kind]], encoding="utf-8", newline="")
    # Escapes in double quotes are YAML's too.
    (tmp_path / CONFIG).write_text(CONFIGS[kind].replace(FILES[kind], json.dumps(data)), encoding="utf-8")
    attack(tally, tmp_path, "train", CONFIG, "-o", RUN)
    assert (tmp_path / RUN / "report.json").exists(), shown(["train", CONFIG, "-o", "again"], tmp_path)
    attack(tally, tmp_path, "train", CONFIG, "-o", f"{RUN} quiet", "-q")
    for arguments in (*ASKED.get(kind, []), *EVERY):
        attack(tally, tmp_path, *(data if word == DATA else word for word in arguments))
    tally.end(at_least=20)


SAID = [
    [HOSTILE],
    ["--" + HOSTILE],
    ["help", HOSTILE],
    ["predict", RUN, HOSTILE, "-f", HOSTILE],
    ["train", HOSTILE],
    ["train", "text.txt", "-o", RUN, "--set", HOSTILE],
    ["train", "text.txt", "-o", RUN, "--set", f"{HOSTILE}={HOSTILE}"],
    ["train", "text.txt", "-o", RUN, "--set", f"model.cell={HOSTILE}"],
    ["train", "text.txt", "-o", RUN, "--set", f"data.target={HOSTILE}"],
    ["train", "text.txt", "-o", RUN, "--set", f"data.encoding={HOSTILE}"],
    ["train", "series.csv", "-o", RUN, "--set", f"data.target={HOSTILE}"],
    ["train", "series.csv", "-o", RUN, "--delimiter", HOSTILE],
    ["train", "series.csv", "-o", RUN, "--encoding", HOSTILE],
    ["evaluate", RUN, "--must-beat", HOSTILE],
    ["evaluate", RUN, "--fail-if", HOSTILE],
    ["inspect-grads", "language-model.yaml", "--compare", HOSTILE],
    ["inspect-grads", "language-model.yaml", "--fail-on", HOSTILE],
    ["report", HOSTILE, "-o", HOSTILE],
    ["plot", HOSTILE, "-o", HOSTILE],
    ["runs", HOSTILE, "--sort", HOSTILE],
    ["completion", HOSTILE],
    ["compress", HOSTILE, "-o", HOSTILE],
    ["decompress", "text.txt", "-o", HOSTILE],
]
"""Command lines that hold HOSTILE in each of their places."""
CONFIG_TEXTS = (
    "{evil}: 1\n",
    "task: {evil}\n",
    "task: forecast\n{evil}: {evil}\n",
    "task: forecast\ndata: {evil}\n",
    "task: forecast\ndata: {{path: {evil}}}\n",
    "task: forecast\ndata: {{path: series.csv, target: {evil}}}\n",
    "task: forecast\ndata: {{path: series.csv, {evil}: 1}}\nmodel: {{cell: {evil}, hidden_size: {evil}}}\n",
    "task: forecast\ntraining: {{epochs: {evil}, max_time: {evil}}}\n",
    "task: !{raw} x\n",
    "task: &{raw} x\n",
)


def test_hostile_command_lines_and_configs(tmp_path: Path) -> None:
    tally = Tally("terminal, command lines and configs")
    small_runs.write(tmp_path)
    for arguments in SAID:
        attack(tally, tmp_path, *arguments)
    for text in CONFIG_TEXTS:
        (tmp_path / CONFIG).write_text(text.format(evil=json.dumps(HOSTILE), raw="Zq[/x]"), encoding="utf-8")
        for command in ("check", "train", "inspect-grads"):
            attack(tally, tmp_path, command, CONFIG)
    tally.end(at_least=len(SAID) + 3 * len(CONFIG_TEXTS))


def test_a_run_that_says_hostile_things_of_itself(tmp_path: Path) -> None:
    """Every string in report.json and metrics.jsonl, and in the header of a model, one after another, is HOSTILE."""
    tally = Tally("terminal, a stranger's run")
    small_runs.write(tmp_path)
    run(*small_runs.command("classify", "run"), cwd=tmp_path).ok()
    report = json.loads((tmp_path / "run/report.json").read_bytes())
    for changed in _hostile_copies(report):
        (tmp_path / "run/report.json").write_text(json.dumps(changed), encoding="utf-8")
        attack(tally, tmp_path, "runs", ".")
        if FULL:
            attack(tally, tmp_path, "check", "run")
            attack(tally, tmp_path, "report", "run", "-o", "page.html")
    (tmp_path / "run/report.json").write_text(json.dumps(report), encoding="utf-8")
    line = json.loads((tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()[0])
    for key in line:
        (tmp_path / "run/metrics.jsonl").write_text(json.dumps({**line, key: HOSTILE, HOSTILE: 1}), encoding="utf-8")
        attack(tally, tmp_path, "plot", "run", "-o", "picture.png")
    arrays, header = model_file.read(tmp_path / "run/model.safetensors")
    for changed in _hostile_copies(header):
        model_file.write(tmp_path / "other.safetensors", arrays, changed)
        attack(tally, tmp_path, "predict", "other.safetensors", "labels.csv")
    model_file.write(tmp_path / "other.safetensors", {**arrays, HOSTILE: arrays["head.weight"]}, header)
    attack(tally, tmp_path, "predict", "other.safetensors", "labels.csv")
    tally.end(at_least=size(40, 80))


def _hostile_copies(value: Any) -> Iterator[Any]:
    """Copies of a JSON value, in each of which one string, or the name of one field, is HOSTILE."""
    if isinstance(value, str):
        yield HOSTILE
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from ([*value[:i], changed, *value[i + 1 :]] for changed in _hostile_copies(item))
    elif isinstance(value, dict):
        yield {**value, HOSTILE: HOSTILE}
        for key, item in value.items():
            yield from ({**value, key: changed} for changed in _hostile_copies(item))


def test_data_keep_their_bytes_in_a_pipe(tmp_path: Path) -> None:
    tally = Tally("terminal, pipes")
    (tmp_path / "labels.csv").write_text(HOSTILE_DATA["labels.csv"], encoding="utf-8")
    (tmp_path / "classify.yaml").write_text(small_runs.CONFIGS["classify"], encoding="utf-8")
    run(*small_runs.command("classify", "run"), cwd=tmp_path).ok()
    for form in ("csv", "json", "jsonl"):
        told = run("predict", "run", "labels.csv", "-f", form, cwd=tmp_path).ok().out
        kept = json.dumps(HOSTILE, ensure_ascii=False)[1:-1] if "json" in form else HOSTILE
        if kept in told or json.dumps(HOSTILE)[1:-1] in told:
            tally.count("the same")
        else:
            tally.fail(f"predict run labels.csv -f {form}: {told[:300]!r}")
    tally.end(at_least=3)
