"""seq2seq and caption as commands: train, answers line by line as they come, scores, the same bytes, and mistakes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_runs import COMMAND, PATIENCE, model_sha256, run, scores

LETTERS = "abcde"
WORDS = [a + b + c for a in LETTERS for b in LETTERS for c in LETTERS]
PAIRS = "".join(f"{word}\t{word[::-1]}!\n" for word in WORDS)
CONFIG = """\
task: seq2seq
data: {path: pairs.tsv, validation: 0.1, test: 0.1}
model: {cell: gru, hidden_size: 24, num_layers: 1, dropout: 0.1}
training: {epochs: 60, batch_size: 16, learning_rate: 2e-2, teacher_forcing: 0.8}
"""
TUNES = "colour,many,tune\n" + "".join(
    f"{colour},{many},{' '.join([note] * many)}\n"
    for colour, note in (("red", "do"), ("blue", "mi"), ("green", "so"))
    for many in range(1, 7)
    for _ in range(4)
)
CAPTION = """\
task: caption
data: {path: tunes.csv, tokens: word, validation: 0.1}
model: {cell: lstm, hidden_size: 24, num_layers: 1}
training: {epochs: 60, batch_size: 8, learning_rate: 2e-2}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seq2seq")
    for name, content in {"pairs.tsv": PAIRS, "c.yaml": CONFIG, "tunes.csv": TUNES, "t.yaml": CAPTION}.items():
        (path / name).write_text(content)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    return run("train", "c.yaml", "-o", "run", cwd=folder).ok().out


@pytest.fixture(scope="module")
def tunes(folder: Path) -> str:
    return run("train", "t.yaml", "-o", "tunes", cwd=folder).ok().out


def test_the_score_stands_beside_its_floors(folder: Path, trained: str) -> None:
    assert "test score, exact match (12 pairs, mean edit distance" in trained
    found = scores(trained)
    assert found["network"] > 0.8
    assert found["copy"] == found["most frequent"] == 0
    assert run("evaluate", "run", cwd=folder).ok().out == trained


def test_each_line_gets_a_line(folder: Path, trained: str) -> None:
    assert run("predict", "run", "-", cwd=folder, stdin="abc\n\ndeb\n").ok().out == "cba!\n\nbed!\n"
    (folder / "lines.txt").write_text("abc\ndeb")
    assert run("predict", "run", "lines.txt", cwd=folder).ok().out == "cba!\nbed!\n"
    out = run("predict", "run", "pairs.tsv", "--beam", "1", cwd=folder).ok().out
    assert sum(a == f"{word[::-1]}!" for a, word in zip(out.split("\n"), WORDS, strict=False)) > 100


def test_lines_are_answered_as_they_come(folder: Path, trained: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "predict", "run", "-"], cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in ("abc", "eda"):  # the second is only asked once the first is answered
            process.stdin.write(word + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{word[::-1]}!\n"
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_several_answers_best_first_and_their_log_probabilities(folder: Path, trained: str) -> None:
    out = run("predict", "run", "-", "--n-best", "3", "--scores", cwd=folder, stdin="abc\n").ok().out
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0][0] == "cba!"
    per_token = [float(score) / (len(text) + 1) for text, score in rows]
    assert per_token == sorted(per_token, reverse=True)
    (item,) = json.loads(run("predict", "run", "-", "--n-best", "3", "-f", "json", cwd=folder, stdin="abc\n").ok().out)
    assert item["input"] == "abc"
    assert [answer["text"] for answer in item["outputs"]] == [text for text, _ in rows]
    table = run("predict", "run", "-", "-f", "csv", cwd=folder, stdin="abc\n").ok().rows()
    assert [(row["input"], row["rank"], row["output"]) for row in table] == [("abc", "1", "cba!")]


def test_a_caption_is_written_for_each_row(folder: Path, tunes: str) -> None:
    assert scores(tunes)["network"] == 1
    asked = "many,colour\n3,red\n1,green\n"
    assert run("predict", "tunes", "-", cwd=folder, stdin=asked).ok().out == "do do do\nso\n"
    refused = run("predict", "tunes", "-", "--strict", cwd=folder, stdin="colour,many\npink,2\n").failed(3)
    assert refused.startswith('<stdin>:2: the colour "pink" does not occur in the training split')
    refused = run("predict", "tunes", "-", "--strict", cwd=folder, stdin="colour,many\nred,x\n").failed(3)
    assert refused.startswith('<stdin>:2: column "many": "x" is not a number')
    some = run("predict", "tunes", "-", cwd=folder, stdin="many,colour\n3,red\n2,pink\nx,red\n1,green\n")
    assert some.out == "do do do\n\n\nso\n"
    assert some.failed(3) == "<stdin>: 2 of 4 rows have no answer; mend those that are named above"


@pytest.mark.parametrize("config", ["c.yaml", "t.yaml"])
@pytest.mark.long
def test_threads_and_resuming_change_no_byte(folder: Path, trained: str, tunes: str, config: str) -> None:
    whole = {"c.yaml": "run", "t.yaml": "tunes"}[config]
    for threads in (1, 3):
        out = f"{whole}{threads}"
        run("train", config, "-q", "-o", out, "--set", f"training.threads={threads}", cwd=folder).ok()
        assert model_sha256(folder / out) == model_sha256(folder / whole)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "c.yaml", "--set", "model.bidirectional=true"], 2, "model.bidirectional: a decoder cannot read"),
        (["train", "c.yaml", "--set", "training.bptt=8"], 2, "training.bptt: a seq2seq reads whole sequences"),
        (
            ["train", "t.yaml", "--set", "model.attention=dot"],
            2,
            "model.attention: is for seq2seq, and a caption",
        ),
        (["train", "c.yaml", "--set", "data.source=7"], 2, 'no column "7"'),
        (["train", "c.yaml", "bad.tsv"], 3, "bad.tsv:2: 1 field"),
        (
            ["evaluate", "run", "latin.tsv", "--encoding", "utf-8"],
            3,
            "latin.tsv:1:4: byte 0xE9 is not UTF-8; pass --encoding latin-1",
        ),
        (["predict", "run"], 2, "name a file of that, or - for standard input"),
        (["predict", "run", "-", "--horizon", "3"], 2, "--horizon: is for forecast, and this is a seq2seq"),
        (["generate", "run"], 2, ""),
    ],
)
def test_mistakes(folder: Path, trained: str, arguments: list[str], code: int, said: str) -> None:
    (folder / "bad.tsv").write_text("a\tb\nc\n")
    (folder / "latin.tsv").write_bytes("caf\u00e9\tx\n".encode("latin-1"))
    assert said in run(*arguments, cwd=folder).failed(code)


def test_another_encoding_works(folder: Path, trained: str) -> None:
    (folder / "latin2.tsv").write_bytes("abc\tcb\u00e9\n".encode("latin-1"))
    out = run("evaluate", "run", "latin2.tsv", "--encoding", "latin-1", cwd=folder).ok().out
    assert "exact match (1 pairs" in out


@pytest.mark.parametrize("tokens", ["word", "whitespace"])
def test_the_score_is_the_share_of_lines_that_are_written_as_their_targets_stand(folder: Path, tokens: str) -> None:
    pairs = [(f"{'ab'[i % 2]}", ("new@@ est <sep> $5", "the hen, old")[i % 2]) for i in range(40)]
    (folder / "pieces.tsv").write_text("".join(f"{given}\t{target}\n" for given, target in pairs))
    (folder / "given.txt").write_text("".join(f"{given}\n" for given, _ in pairs))
    sets = ("--set", f"data.tokens={tokens}", "--set", "data.validation=pieces.tsv", "--set", "data.test=pieces.tsv")
    found = scores(run("train", "c.yaml", "pieces.tsv", *sets, "-q", "-o", tokens, cwd=folder).ok().out)
    lines = run("predict", tokens, "given.txt", cwd=folder).ok().out.splitlines()
    alike = [line == target for line, (_, target) in zip(lines, pairs, strict=True)]
    assert found["network"] == sum(alike) / len(alike) == {"word": 0.5, "whitespace": 1.0}[tokens]
    assert found["most frequent"] == 0.5
    assert found["copy"] == 0


@pytest.mark.long
def test_standard_input_in_any_encoding_and_with_any_line_ends(folder: Path, trained: str) -> None:
    for stdin, encoding in (("abc\r\ndeb", "utf-8"), ("\ufeffabc\ndeb\n", "utf-8"), ("abc\rdeb\r", "latin-1")):
        done = subprocess.run(
            [*COMMAND, "predict", "run", "-", "--encoding", encoding],
            cwd=folder,
            input=stdin.encode(encoding),
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"cba!\nbed!\n"
    done = subprocess.run(
        [*COMMAND, "predict", "run", "-", "--encoding", "utf-16"],
        cwd=folder,
        input="abc\ndeb\n".encode("utf-16"),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"cba!\nbed!\n"
    done = subprocess.run([*COMMAND, "predict", "run", "-"], cwd=folder, input=b"abc\nd\xe9\n", capture_output=True)
    assert done.returncode == 3
    assert done.stdout == b"cba!\n\n"
    assert "<stdin>:2:2: byte 0xE9 is not UTF-8; pass --encoding latin-1\n" in done.stderr.decode()


@pytest.mark.parametrize(
    ("content", "arguments", "code", "said"),
    [
        ("k,k,t\na,1,x\n", (), 3, "tunes.csv:1: columns 1 and 2 are both"),
        (TUNES + "red,1e300,do\n", (), 3, "a value is too large for float32"),
        (TUNES + "red,nan,do\n", (), 3, 'column "many": "nan" is not a number'),
        (TUNES + ",1,do\n", (), 3, 'column "colour" is empty'),
        (TUNES, ("--set", 'data.delimiter="\t"'), 3, "tunes.csv: has one column, and a pair takes two"),
    ],
)
def test_captions_that_cannot_be_learnt(
    tmp_path: Path, content: str, arguments: tuple[str], code: int, said: str
) -> None:
    (tmp_path / "tunes.csv").write_text(content)
    (tmp_path / "t.yaml").write_text(CAPTION)
    assert said in run("train", "t.yaml", *arguments, cwd=tmp_path).failed(code)


def test_numbers_in_a_caption_follow_the_decimal_sign(folder: Path, tunes: str) -> None:
    asked = ("--delimiter", ";", "--decimal", ",")
    assert run("predict", "tunes", "-", *asked, cwd=folder, stdin="colour;many\nred;3,0\n").ok().out == "do do do\n"
    refused = run("predict", "tunes", "-", "--strict", cwd=folder, stdin="colour,many\nred,1e300\n").failed(3)
    assert refused == "<stdin>:2: a value is too far from those of the training split; mend it"
    assert "must be one character" in run("predict", "tunes", "-", "--delimiter", "ab", cwd=folder, stdin="x\n").failed(
        2
    )


def test_a_header_with_the_names_of_training_makes_a_table_of_a_pipe_too(folder: Path) -> None:
    (folder / "named.csv").write_text("said,answer\n" + "".join(f'"{i}, {i}",x{i % 3}\n' for i in range(40)))
    keys = ["data.source=said", "data.target=answer", "training.updates=2"]
    sets = [word for key in ("task=seq2seq", *keys) for word in ("--set", key)]
    run("train", "named.csv", "-o", "named", "-q", *sets, cwd=folder).ok()
    rows = 'id,said\nA,"1, 1"\nB,"2, 2"\n'
    for new in ("new.csv", "new.txt"):
        (folder / new).write_text(rows)
    answers = run("predict", "named", "new.csv", "-f", "json", cwd=folder).ok().out
    for name in ("-", "new.txt"):
        assert run("predict", "named", name, "-f", "json", cwd=folder, stdin=rows).ok().out == answers
