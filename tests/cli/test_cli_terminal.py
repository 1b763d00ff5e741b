"""On a terminal: a live display, data that is shown and never obeyed, and no waiting for what nobody will type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_runs import COMMAND, PATIENCE, environment, run
from conftest import TEXT, Shelf

pexpect = pytest.importorskip("pexpect")

# Python 3.12 and newer warn that a process with threads forks; pexpect's child does nothing but exec.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(*arguments: str, cwd: Path, shell: str | None = None, columns: int = 80) -> tuple[int, str]:
    """(exit code, everything shown) of `rnncli ARGUMENTS`, or of `shell`, on a terminal of `columns` × 24."""
    env = environment(TERM="xterm-256color")
    del env["COLUMNS"]  # a terminal knows its own width
    command = ["bash", "-c", shell] if shell else [*COMMAND, *arguments]
    child = pexpect.spawn(
        command[0], command[1:], cwd=str(cwd), env=env, dimensions=(24, columns), timeout=PATIENCE, encoding="utf-8"
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus is None
    return child.exitstatus, child.before


@pytest.mark.long
def test_train_shows_a_live_display(place: Path) -> None:
    (place / "long.txt").write_text(TEXT * 22, encoding="utf-8")
    code, shown = on_a_terminal("train", "char.yaml", "long.txt", "-o", "run", "--set", "training.epochs=4", cwd=place)
    assert code == 0
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0  # the cursor was hidden, and is visible again
    frames = [ANSI.sub("", frame) for frame in re.split(r"[\r\n]+", shown)]
    bars = [frame for frame in frames if "ETA" in frame]
    whole = [bar for bar in bars if re.search(r"\d+/\d+ ETA [\d:-]+ +loss \d+\.\d+ .*[\d,]+ tok/s", bar)]
    assert whole, bars[-3:]
    assert max(len(bar) for bar in bars) <= 80
    assert "network" in shown
    assert "interpolated 5-gram" in shown


@pytest.mark.long
def test_no_line_of_training_is_wrapped_at_80_columns(place: Path) -> None:
    _, shown = on_a_terminal("train", "char.yaml", "-o", "run", "--set", "training.epochs=1", cwd=place)
    lines = [ANSI.sub("", line) for line in re.split(r"[\r\n]+", shown)]
    evaluations = [line for line in lines if line.startswith("epoch ")]
    assert evaluations
    for line in evaluations:
        assert line.rstrip().endswith("tok/s"), line


@pytest.mark.long
def test_notes_are_wrapped_between_words_and_an_option_stays_whole(place: Path) -> None:
    (place / "sold.csv").write_text(
        "day,price,why,sold\n" + "".join(f"{2000 + i},{i % 5},x,{i % 3}\n" for i in range(60))
    )
    for command in (("init", "sold.csv", "-o", "sold.yaml"), ("train", "sold.csv", "-o", "sold")):
        code, shown = on_a_terminal(*command, "--set", "training.epochs=1", cwd=place)
        assert code == 0
        lines = [ANSI.sub("", line) for line in re.split(r"[\r\n]+", shown)]
        notes = [line for line in lines if re.match("rnncli: | {8}(?! )", line)]
        assert max(map(len, notes)) <= 80, notes
        assert re.search(r"^ {8}(.* )?--set task=NAME", "\n".join(notes), re.MULTILINE), notes


def test_ctrl_c_on_a_terminal_saves_and_gives_the_cursor_back(place: Path) -> None:
    (place / "long.txt").write_text(TEXT * 22, encoding="utf-8")
    env = environment(TERM="xterm-256color")
    arguments = ["train", "char.yaml", "long.txt", "-o", "run", "--set", "training.epochs=200"]
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        cwd=str(place),
        env=env,
        dimensions=(24, 80),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    child.expect("tok/s")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    shown = child.before
    assert child.exitstatus == 130
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert shown.count("rnncli: error: stopped after update") == 1
    assert "Traceback" not in shown
    assert (place / "run/state.safetensors").exists()


@pytest.mark.parametrize("arguments", [["train", "char.yaml", "-"], ["predict", "word", "-"]], ids=" ".join)
def test_a_terminal_is_no_data(arguments: list[str], shelf: Shelf) -> None:
    code, shown = on_a_terminal(*arguments, cwd=shelf.folder)
    assert code == 2
    assert len(shown.splitlines()) == 1
    assert shown.startswith("rnncli: error: ")
    assert "terminal" in shown


def test_data_never_drives_the_terminal(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes("a\x1b[31m[/x]é\u202e\n".encode())
    code, shown = on_a_terminal("predict", "odd", str(tmp_path / "lines.txt"), "--top", "2", cwd=shelf.folder)
    assert code == 0
    text = re.sub(r"\s+", "", ANSI.sub("", shown))
    assert r"a\x1b[31m[/x]é\u202e" in text
    assert "\u202e" not in shown
    assert "\x1b[31m" not in shown


def test_generated_text_never_drives_the_terminal(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "prime.txt").write_bytes(b"a\x1b[31m")
    prime = str(tmp_path / "prime.txt")
    code, shown = on_a_terminal("generate", "odd", "-n", "300", "--prime-file", prime, "--echo", cwd=shelf.folder)
    assert code == 0
    assert shown.startswith(r"a\x1b[31m")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.endswith("\n")  # the prompt starts on a line of its own


def test_what_is_told_of_generated_text_begins_on_a_line_of_its_own(shelf: Shelf) -> None:
    text = run("generate", "char", "-n", "40", "--stop", "\n", cwd=shelf.folder).ok().out
    assert text
    assert not text.endswith("\n")
    code, shown = on_a_terminal("generate", "char", "-n", "40", "--stop", "\n", "--report", cwd=shelf.folder)
    assert code == 0
    lines = shown.splitlines()
    assert lines[0] == text
    assert lines[1].startswith("rnncli: ")
    assert "" not in lines


def test_predict_shows_a_table_and_a_pipe_gets_csv(shelf: Shelf) -> None:
    code, shown = on_a_terminal("predict", "forecast", cwd=shelf.folder)
    assert code == 0
    assert ANSI.sub("", shown).splitlines()[0].split() == ["month", "sales"]


WIDTHS = (40, 80, 200)
SHOWN = (
    "help training.bptt",
    "help evaluate",
    "predict forecast",
    "evaluate forecast",
    "runs .",
    "check forecast.yaml",
    "doctor",
)
"""Lines whose output on a terminal is looked at in several widths."""


def shown_lines(text: str) -> list[str]:
    """The lines that remain of what was shown, where a live display has drawn some over others."""
    return [ANSI.sub("", line).split("\r")[-1].rstrip() for line in text.replace("\r\n", "\n").split("\n")]


@pytest.mark.long
@pytest.mark.parametrize("line", ["evaluate char", "score char odd.txt", "check char.yaml"])
def test_no_word_or_number_is_cut_in_two_on_a_narrow_terminal(line: str, shelf: Shelf) -> None:
    """Every row of 40 columns is a line of its own, which ends between two words."""
    code, shown = on_a_terminal(*line.split(), cwd=shelf.folder, columns=40)
    assert code == 0, shown
    rows = shown_lines(shown)
    assert len(rows) > 5
    assert [row for row in rows if len(row) > 40] == []
    assert not line.startswith("score") or ["line", "bits_per_token", "text"] in map(str.split, rows)


@pytest.mark.long
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("line", SHOWN)
def test_no_word_is_cut_in_two_by_the_width(line: str, columns: int, shelf: Shelf) -> None:
    """Every word of what a wide terminal shows is whole on a narrower one, from 80 columns on, or left out of a list
    of runs with its column."""
    code, shown = on_a_terminal(shell=f"PAGER=cat {shlex.join(COMMAND)} {line}", cwd=shelf.folder, columns=columns)
    assert code == 0, shown
    assert "Traceback" not in shown
    if columns < 80:
        return
    _, wide = on_a_terminal(shell=f"PAGER=cat {shlex.join(COMMAND)} {line}", cwd=shelf.folder, columns=200)
    words = {word for row in shown_lines(wide) for word in re.findall(r"[A-Za-z]{4,}", row)}
    seen = {word for row in shown_lines(shown) for word in re.findall(r"[A-Za-z]{4,}", row)}
    assert (seen - words if line.startswith("runs") else words - seen) == set()


@pytest.mark.long
@pytest.mark.parametrize("columns", WIDTHS)
def test_training_is_shown_in_any_width_and_while_that_changes(columns: int, place: Path) -> None:
    (place / "long.txt").write_text(TEXT * 22, encoding="utf-8")
    env = environment(TERM="xterm-256color")
    del env["COLUMNS"]
    arguments = ["train", "char.yaml", "long.txt", "-o", "run", "--set", "training.epochs=200"]
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        cwd=str(place),
        env=env,
        dimensions=(24, columns),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    child.expect("loss")
    child.setwinsize(24, 60)
    child.expect("loss")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in child.before
    assert child.before.count("rnncli: error: stopped after update") == 1
    assert child.before.rfind("\x1b[?25h") > child.before.rfind("\x1b[?25l")  # the cursor is given back


@pytest.mark.long
def test_a_file_gets_no_escape_codes(shelf: Shelf, tmp_path: Path) -> None:
    for line in SHOWN:
        script = f"{shlex.join(COMMAND)} {line} > {tmp_path / 'out'} 2> {tmp_path / 'err'}"
        code, _ = on_a_terminal(shell=script, cwd=shelf.folder)
        assert code == 0, (line, (tmp_path / "err").read_text(encoding="utf-8"))
        assert "\x1b" not in (tmp_path / "out").read_text(encoding="utf-8") + (tmp_path / "err").read_text(
            encoding="utf-8"
        )
