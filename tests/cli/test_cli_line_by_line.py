"""predict answers line by line: bad lines keep their place, in every task and format; a slow pipe is not waited for."""

from __future__ import annotations

import io
import itertools
import json
import signal
import subprocess
from pathlib import Path

import pytest
from cli_runs import ended, in_shell, run, start
from parameters import mostly_thorough

from rnncli.data import lines
from rnncli.errors import DataError
from rnncli.tasks.line_by_line import NAMED
from rnncli.tasks.task import Asked
from rnncli.workflows.opening import open_model

WORDS = ["fine", "dull", "film", "book", "play"]
TRAINED = "".join(
    f"{'good' if a == 'fine' else 'bad'} {a} {b} {c}\n"
    for a, b, c in itertools.product(WORDS[:2], WORDS[2:], WORDS[2:])
)
TRAINING = "training: {epochs: 1, batch_size: 8}\n"
TASKS = {
    "classify": (
        "task: classify\ndata: {path: c.txt, tokens: word, validation: 0, group: none}\n"
        "model: {cell: gru, hidden_size: 5, num_layers: 2, bidirectional: true, pooling: attention}\n",
        {"c.txt": TRAINED},
    ),
    "regress": (
        "task: regress\ndata: {path: r.csv, text: said, label: y, validation: 0}\nmodel: {hidden_size: 5}\n",
        {
            "r.csv": "y,said\n"
            + "".join(f"{i},{line.partition(' ')[2]}\n" for i, line in enumerate(TRAINED.split("\n")[:-1]))
        },
    ),
    "tag": (
        "task: tag\ndata: {path: t.conll, validation: 0}\nmodel: {hidden_size: 5, character_size: 3}\n",
        {"t.conll": "".join(f"{a}\tA\n{b}\tB\n\n" for a, b in itertools.product(WORDS, WORDS))},
    ),
    "seq2seq": (
        "task: seq2seq\ndata: {path: s.tsv, validation: 0, source: [1, 2], target: 3}\nmodel: {hidden_size: 6}\n",
        {"s.tsv": "".join(f"{a}\t{b}\t{b}{a}\n" for a, b in itertools.product("abcdef", "abcdef"))},
    ),
    "language-model": (
        "task: language-model\ndata: {path: l.txt, tokens: char, validation: 0}\nmodel: {hidden_size: 5}\n",
        {"l.txt": TRAINED},
    ),
}
GOOD = {"seq2seq": ["a\tb", "f\tc"]}  # elsewhere, two texts
TEXTS = ["fine film", "dull play play"]
BAD = {"seq2seq": b"abc", "language-model": "fine Ω".encode()}  # elsewhere, a line that is no UTF-8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines")
    for task, (config, files) in TASKS.items():
        for name, content in files.items():
            (path / name).write_text(content)
        (path / "c.yaml").write_text(config + TRAINING)
        run("train", "c.yaml", "-q", "-o", task, cwd=path).ok()
    return path


def asked(task: str, order: str) -> bytes:
    """Lines for a task: 0 and 1 are its good ones, x is a bad one, _ a blank one."""
    first, second = GOOD.get(task, TEXTS)
    of = {"0": first.encode(), "1": second.encode(), "x": BAD.get(task, b"caf\xe9 fine"), "_": b""}
    return b"".join(of[one] + b"\n" for one in order)


def nested(answers: str) -> list[dict]:
    """The answers of JSON without the number of the line."""
    return [{name: value for name, value in item.items() if name != "id"} for item in json.loads(answers)]


@pytest.mark.parametrize("order", mostly_thorough(["x01", "0x1", "01x", "xx", "0x_1x"], ["xx", "0x_1x"]))
@pytest.mark.parametrize("task", TASKS)
def test_a_bad_line_has_an_empty_answer_and_the_others_theirs(folder: Path, task: str, order: str) -> None:
    alone = nested(run("predict", task, "-", "-f", "json", cwd=folder, stdin=asked(task, "01_")).ok().out)
    data = folder / "asked.txt"
    data.write_bytes(asked(task, order))
    for path in ("-", "asked.txt"):
        done = run("predict", task, path, "-f", "json", cwd=folder, stdin=asked(task, order))
        name, bad = "<stdin>" if path == "-" else path, order.count("x")
        have, undecoded = "has" if bad == 1 else "have", task not in BAD and bad > 1
        mend = f": {bad} have bytes that are not UTF-8; pass --encoding latin-1"
        mend = mend if undecoded else "; mend those that are named above"
        assert done.failed(3) == f"{name}: {bad} of {len(order)} lines {have} no answer{mend}"
        told = {"x"} if task == "language-model" else {"x", "_"}
        for number, one in enumerate(order, start=1):
            assert (f"rnncli: {name}:{number}:" in done.err) == (one in told)
            told -= {"x"} if one == "x" and undecoded else set()  # which one option mends
        answers = nested(done.out)
        for one, answer in zip(order, answers, strict=True):
            if one == "x":
                assert list(answer) == list(alone[0])
                assert all(value is None for name, value in answer.items() if name not in ("line", "input"))
            else:
                assert answer == alone["01_".index(one)]


@pytest.mark.parametrize("task", TASKS)
def test_an_only_line_that_cannot_be_answered_is_told_in_one(folder: Path, task: str) -> None:
    done = run("predict", task, "-", cwd=folder, stdin=asked(task, "x"))
    assert done.failed(3).startswith("<stdin>:1:")
    assert done.err.count("<stdin>:1:") == 1  # tag tells in a note how lines are read
    assert done.out


@pytest.mark.parametrize("task", TASKS)
def test_every_format_has_a_place_for_every_line(folder: Path, task: str) -> None:
    stdin = asked(task, "x0_1")
    whole = json.loads(run("predict", task, "-", "-f", "json", cwd=folder, stdin=stdin).out)
    by_line = run("predict", task, "-", "-f", "jsonl", cwd=folder, stdin=stdin)
    assert by_line.code == 3
    assert [json.loads(line) for line in by_line.out.splitlines()] == whole
    rows = run("predict", task, "-", "-f", "csv", cwd=folder, stdin=stdin).rows()
    good = run("predict", task, "-", "-f", "csv", cwd=folder, stdin=asked(task, "01")).ok().rows()
    assert list(rows[0]) == list(good[0])
    assert set(rows[0].values()) - {rows[0].get("line"), rows[0].get("input"), rows[0].get("id")} == {""}
    table = run("predict", task, "-", "-f", "table", cwd=folder, stdin=stdin)
    assert table.code == 3
    assert len(table.out.splitlines()) > len(whole)
    if task == "seq2seq":
        assert run("predict", task, "-", cwd=folder, stdin=stdin).out.count("\n") == 4


@pytest.mark.parametrize("task", TASKS)
def test_strict_ends_at_the_first_bad_line_after_the_answers_before_it(folder: Path, task: str) -> None:
    stdin = asked(task, "0_1x0x")
    done = run("predict", task, "-", "-f", "json", "--strict", cwd=folder, stdin=stdin)
    assert done.failed(3).startswith("<stdin>:4:")
    lenient = run("predict", task, "-", "-f", "json", cwd=folder, stdin=stdin)
    assert json.loads(done.out) == json.loads(lenient.out)[:3]
    assert run("predict", task, "-", "--strict", cwd=folder, stdin=asked(task, "01")).ok().out


def test_strict_is_for_lines(folder: Path) -> None:
    (folder / "f.csv").write_text("day,x\n" + "".join(f"2020-01-{i:02d},{i % 7}\n" for i in range(1, 32)))
    run("train", "f.csv", "-q", "-o", "forecast", "--set", "training.epochs=1", cwd=folder).ok()
    assert "--strict: is for" in run("predict", "forecast", "--strict", cwd=folder).failed(2)


@pytest.mark.parametrize("task", TASKS)
def test_answers_do_not_depend_on_the_lines_beside_them(
    folder: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    lengths = [2] * 40 if task == "seq2seq" else [1, 2, 4] * 20
    letters = itertools.cycle("abcdefa" if task == "seq2seq" else [*WORDS, "file", "body"])
    between = "\t" if task == "seq2seq" else " "
    texts = [between.join(itertools.islice(letters, length)) for length in lengths]
    Path("many.txt").write_text("\n".join(texts))
    found = []
    for together in (1, 7, 1024):
        monkeypatch.setattr(lines, "TOGETHER", together)
        answers = open_model(task).load().predict(Asked("many.txt", {}, {}))
        found.append([(piece.nested, piece.lines) for pieces in answers.lists for piece in pieces])
    assert len(found[0]) == len(texts)
    assert found[0] == found[1] == found[2]  # floats too, to the last bit


@pytest.mark.parametrize("task", TASKS)
def test_any_line_ends_and_encodings(folder: Path, task: str) -> None:
    wanted = run("predict", task, "-", "-f", "csv", cwd=folder, stdin=asked(task, "010")).ok().out
    for end, encoding in (("\n", "utf-16"), ("\r\n", "utf-8"), ("\r", "utf-8"), ("\r", "utf-16-le")):
        text = asked(task, "010").decode().replace("\n", end)
        for content in (text, text.removesuffix(end)):
            (folder / "ends.txt").write_bytes(content.encode(encoding))
            for path in ("-", "ends.txt"):
                stdin = content.encode(encoding)
                assert (
                    run("predict", task, path, "-f", "csv", "--encoding", encoding, cwd=folder, stdin=stdin).ok().out
                    == wanted
                )


@pytest.mark.parametrize(("task", "told"), [("classify", 1), ("language-model", NAMED + 1)])
def test_a_flood_of_bad_lines_is_counted(folder: Path, task: str, told: int) -> None:
    done = run("predict", task, "-", "-f", "jsonl", cwd=folder, stdin=asked(task, "x" * (NAMED + 30) + "0"))
    assert done.failed(3).startswith(f"<stdin>: {NAMED + 30} of {NAMED + 31} lines have no answer")
    assert len(done.err.splitlines()) == told + 1
    assert len(done.out.splitlines()) == NAMED + 31


@pytest.mark.parametrize("task", TASKS)
def test_a_line_is_answered_before_the_next_is_read(folder: Path, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        reads = 0

        def read1(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return self.readline()

    pipe = Pipe(asked(task, "10x_01"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(pipe))
    monkeypatch.chdir(folder)
    answers = open_model(task).load().predict(Asked("-", {}, {}))
    for number in range(1, 7):
        (piece,) = next(answers.lists)
        assert piece.nested.get("id", str(number)) == str(number)
        assert pipe.reads == number


@pytest.mark.parametrize("task", TASKS)
def test_a_line_that_never_ends_is_told_before_its_end_and_the_others_are_answered(
    folder: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.BytesIO):
        reads = 0

        def read1(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return next(pieces, b"")

    good, part = asked(task, "0"), b"fine dull\t" * 100_000
    most = lines.LONGEST // len(part) + 3
    pieces = iter([good, *[part] * (2 * most), b"\n", good])
    pipe, told = Pipe(), list[tuple[int, str]]()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(pipe))
    monkeypatch.chdir(folder)
    answers = open_model(task).load().predict(Asked("-", {}, {}, lambda text: told.append((pipe.reads, text))))
    found: list[dict] = []
    with pytest.raises(DataError, match="1 of 3 lines has no answer"):
        found.extend(piece.nested for some in answers.lists for piece in some)
    (reads, text), *others = told
    assert "<stdin>:2: has more than 16,777,216 characters" in text
    assert reads <= most
    assert not others
    assert [one.get("id", str(i)) for i, one in enumerate(found, start=1)] == ["1", "2", "3"]
    assert found[0] | {"id": 3} == found[2] | {"id": 3}
    assert len(str(found[1])) < 300


def test_an_only_line_that_never_ends_is_told_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"fine dull " * (lines.LONGEST // 5))))
    monkeypatch.chdir(folder)
    told = list[str]()
    answers = open_model("classify").load().predict(Asked("-", {}, {}, told.append))
    assert next(iter(answers.lists))
    assert "<stdin>:1: has more than 16,777,216 characters" in told[0]


@pytest.mark.long
def test_a_slow_pipe_is_not_waited_for(folder: Path) -> None:
    with start("predict", "classify", "-", cwd=folder, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(asked("classify", "0"))
            process.stdin.flush()
            if number == 1:
                assert process.stdout.readline().startswith(b"id,")
            assert process.stdout.readline().startswith(f"{number},".encode())
        assert ended(process).code == 0


@pytest.mark.long
def test_a_reader_that_leaves_ends_it_in_silence(folder: Path) -> None:
    said = in_shell("yes 'fine film' | rnncli predict classify - | head -2; echo ${PIPESTATUS[1]}", folder)
    assert said.err == ""
    assert said.out.splitlines()[0] == "id,label,p(bad),p(good)"
    assert said.out.splitlines()[2] == "141"


@pytest.mark.long
def test_what_was_answered_is_out_when_it_is_stopped(folder: Path) -> None:
    with start("predict", "classify", "-", cwd=folder, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"fine film\n")
        process.stdin.flush()
        assert [process.stdout.readline()[:2] for _ in range(2)] == [b"id", b"1,"]
        process.send_signal(signal.SIGINT)
        assert ended(process).err == ""
        assert process.returncode == 130


def test_words_of_lines_that_were_answered_are_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(lines, "TOGETHER", 10)
    Path("new.txt").write_text("".join(f"fine new{i}\n" for i in range(100)))
    model = open_model("tag").load()
    kept = [len(model.reader._number) for _ in model.predict(Asked("new.txt", {}, {})).lists]
    assert max(kept) <= 11


@pytest.mark.parametrize("task", ["language-model", "seq2seq"])  # others refuse an empty input
def test_no_lines_give_a_header_alone(task: str, folder: Path) -> None:
    line = GOOD.get(task, TEXTS)[0]
    answered, nothing = (run("predict", task, "-", "-f", "csv", cwd=folder, stdin=text) for text in (f"{line}\n", ""))
    assert nothing.ok().out == answered.ok().out.splitlines()[0] + "\n"


TABLES = {  # by form: the training table, the config, rows to predict and their ids; None where there is no answer
    "text": (
        "y,said\n" + "".join(f"{i % 2},{'fine' if i % 2 else 'dull'} film\n" for i in range(20)),
        "task: classify\ndata: {path: d.csv, label: y, text: said, tokens: word, validation: 0}\n",
        "said,y\nfine film,\n,1\na,b,c\ndull,1\n",
        ["1", None, None, "4"],
    ),
    "wide": (
        "y,a,b,c\n" + "".join(f"{i % 2},{i % 2},{i % 3},2\n" for i in range(20)),
        "task: regress\ndata: {path: d.csv, label: y, validation: 0}\n",
        "a,b,c\n1,2,3\n1,x,3\n4,5\n,,\n4,5,\n1e300,1,1\n7,8,9\n",
        ["1", None, None, None, "5", None, "7"],
    ),
    "long": (
        "id,x,y\n"
        + "".join(f"s{i},{i % 2},{'up' if i % 2 else 'down'}\ns{i},2,{'up' if i % 2 else 'down'}\n" for i in range(20)),
        "task: classify\ndata: {path: d.csv, label: y, id: id, validation: 0}\n",
        "id,x\nq,1\nr,1\nq,0\nr,-\nr,2\ns,x\nt,1\nu\nt,2\n",
        ["q", None, None, "t", None],
    ),
    "tags": (
        "id,x,y\n" + "".join(f"s{i},{i % 2},{'up' if i % 2 else 'down'}\ns{i},2,end\n" for i in range(20)),
        "task: tag\ndata: {path: d.csv, label: y, id: id, validation: 0}\n",
        "id,x\nq,1\nr,1\nr,-\nq,0\nt,1\n",
        ["q", None, "t"],
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_rows_that_cannot_be_read_keep_their_place(form: str, tmp_path: Path) -> None:
    table, config, rows, wanted = TABLES[form]
    (tmp_path / "d.csv").write_text(table)
    (tmp_path / "d.yaml").write_text(config + "model: {hidden_size: 4}\n" + TRAINING)
    run("train", "d.yaml", "-q", "-o", "run", cwd=tmp_path).ok()
    (tmp_path / "new.csv").write_text(rows)
    done = run("predict", "run", "new.csv", "-f", "json", cwd=tmp_path)
    bad = wanted.count(None)
    have = "has" if bad == 1 else "have"
    assert done.failed(3) == f"new.csv: {bad} of {len(wanted)} rows {have} no answer; mend those that are named above"
    assert done.err.count("rnncli: new.csv:") == bad
    answers = json.loads(done.out)
    assert [None if list(answer.values())[1] is None else answer["id"] for answer in answers] == wanted
    header, *lines_ = rows.splitlines()
    strict = run("predict", "run", "new.csv", "-f", "json", "--strict", cwd=tmp_path)
    strict.failed(3)
    assert json.loads(strict.out or "[]") == answers[: wanted.index(None)]
    good = [line for line in lines_ if form in ("long", "tags") and line[0] in ("q", "t")]
    if good:
        (tmp_path / "good.csv").write_text("\n".join([header, *good]) + "\n")
        alone = json.loads(run("predict", "run", "good.csv", "-f", "json", cwd=tmp_path).ok().out)
        assert alone == [answer for answer in answers if answer["id"] in wanted]


def test_a_column_that_may_be_thousands_is_refused_as_a_whole(tmp_path: Path) -> None:
    table, config, *_ = TABLES["long"]
    (tmp_path / "d.csv").write_text(table)
    (tmp_path / "d.yaml").write_text(config + "model: {hidden_size: 4}\n" + TRAINING)
    run("train", "d.yaml", "-q", "-o", "run", cwd=tmp_path).ok()
    for rows in ("a,1.002\nb,919\n", "a,1.002\nb,919\nc,x\n"):
        refused = run("predict", "run", "-", cwd=tmp_path, stdin="id,x\n" + rows)
        assert "may be thousands or a fraction" in refused.failed(3)
        assert refused.out == ""


@pytest.mark.parametrize("form", TABLES)
def test_a_header_that_the_skip_rows_of_training_leave_out_is_named(form: str, tmp_path: Path) -> None:
    table, config, rows, _ = TABLES[form]
    (tmp_path / "d.csv").write_text("Report\n" + table)
    (tmp_path / "d.yaml").write_text(config.replace("label:", "skip_rows: 1, label:") + TRAINING)
    run("train", "d.yaml", "-q", "-o", "run", "--set", "model.hidden_size=4", cwd=tmp_path).ok()
    good = "\n".join(rows.splitlines()[:2]) + "\n"
    said = run("predict", "run", "-", cwd=tmp_path, stdin=good).failed(3)
    assert said.startswith('<stdin>:1: names the column "')
    assert said.endswith("is left out by data.skip_rows, which is 1; pass --skip-rows 0")
    answers = run("predict", "run", "-", "--skip-rows", "0", cwd=tmp_path, stdin=good).ok().out
    assert answers == run("predict", "run", "-", cwd=tmp_path, stdin="Report\n" + good).ok().out
