"""generate: as much as asked for, the same for the same seed, and honest about what it cannot do."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cli_runs import COMMAND, Result, ended, environment, in_shell, run, start, together
from conftest import ADVICE, ODD, TEXT, Shelf

from rnncli.tasks.language_model import decoding
from rnncli.ui import generated_text

PRIME = "The fox saw"
COMPILING = "rnncli: compiling kernels, once per machine; this takes some seconds\n"
CALLS: dict[str, Sequence[str]] = {
    "plain": ["char", "-n", "300"],
    "other seed": ["char", "-n", "300", "--seed", "2"],
    "model file": ["char/model.safetensors", "-n", "300"],
    "two": ["char", "-n", "300", "--count", "2"],
    "jsonl": ["char", "-n", "300", "--count", "2", "-f", "jsonl"],
    "primed": ["char", "-n", "40", "--prime", PRIME],
    "echo": ["char", "-n", "40", "--prime", PRIME, "--echo"],
    "from stdin": ["char", "-n", "40", "--prime-file", "-"],
    "best, seed 1": ["char", "-n", "200", "--top-k", "1"],
    "best, seed 2": ["char", "-n", "200", "--top-k", "1", "--seed", "2"],
    "best by p": ["char", "-n", "200", "--top-p", "1e-9", "--seed", "3"],
    "byte": ["byte", "-n", "200"],
    "off": ["char", "-n", "300", "--min-p", "0", "--repetition-penalty", "1"],
    "min-p": ["char", "-n", "200", "--min-p", "1"],
    "penalty": ["char", "-n", "300", "--repetition-penalty", "3"],
    "bad": ["char", "-n", "300", "--bad-words", "th", "--bad-words", "e ", "--prime", "The t"],
    "bad file": ["char", "-n", "300", "--bad-words-file", "-", "--prime", "The t"],
    "two stops": ["char", "-n", "300", "--stop", "never, never", "--stop", "a"],
    "pairs": ["pairs", "-n", "100", "--prime", "☃ not seen"],
    "word": ["word", "-n", "30", "--prime", "please"],
    "nothing": ["char", "-n", "0", "--prime", PRIME, "--echo"],
}


@pytest.fixture(scope="module")
def said(shelf: Shelf) -> dict[str, Result]:
    jobs = [partial(run, "generate", *call, cwd=shelf.folder, stdin=PRIME) for call in CALLS.values()]
    results = dict(zip(CALLS, together(*jobs), strict=True))
    for result in results.values():
        assert result.ok().err.replace(COMPILING, "") == ""
    return results


def test_the_length_counts_what_is_generated(said: dict[str, Result]) -> None:
    assert len(said["plain"].out) == 300
    assert set(said["plain"].out) <= set(TEXT)
    assert len(said["primed"].out) == 40
    assert said["echo"].out == PRIME + said["primed"].out
    assert said["nothing"].out == PRIME


def test_the_seed_decides(said: dict[str, Result]) -> None:
    assert said["other seed"].out != said["plain"].out
    assert said["model file"].out == said["plain"].out


def test_several_texts_have_successive_seeds(said: dict[str, Result]) -> None:
    first, second = said["plain"].out, said["other seed"].out
    assert said["two"].out == f"{first}\n\n{second}"
    lines = [json.loads(line) for line in said["jsonl"].out.splitlines()]
    assert lines == [{"seed": 1, "text": first}, {"seed": 2, "text": second}]


def test_the_prime_may_come_from_standard_input_and_matters(said: dict[str, Result]) -> None:
    assert said["from stdin"].out == said["primed"].out
    assert said["primed"].out != said["plain"].out[:40]


@pytest.mark.parametrize("model", ["byte", "pairs"])
def test_a_model_of_bytes_reads_bytes_that_are_no_text(shelf: Shelf, tmp_path: Path, model: str) -> None:
    raw = b"b\n\xe2a"  # the first byte of a character of three
    text = raw.decode("utf-8", "surrogateescape")
    (tmp_path / "prime").write_bytes(raw)
    call = partial(run, "generate", shelf / model, "-n", "9", cwd=tmp_path)
    written = call("--prime", text, "--echo").ok().out
    assert written.startswith(text)
    assert call("--prime-file", "prime", "--echo").ok().out == written
    assert call("--prime-file", "-", "--echo", stdin=b"\xef\xbb\xbf" + raw).ok().out == written
    assert json.loads(call("--prime-file", "-", "--echo", "-f", "jsonl", stdin=raw).ok().out)["text"] == written
    known = run("predict", shelf / model, "-", "--top", "2", cwd=tmp_path, stdin=b"\xe2a\n").ok()
    assert [row["line"] for row in known.rows()] == ["\udce2a"] * 2
    assert (
        json.loads(run("score", shelf / model, "-", "-f", "json", cwd=tmp_path, stdin=raw).ok().out)["lines"][1]["text"]
        == text.partition("\n")[2]
    )
    listed = call("--bad-words-file", "-", stdin=b"\xe2\n").ok().out.encode("utf-8", "surrogateescape")
    assert b"\xe2" not in listed
    if model == "byte":
        assert "; remove it, or train on a text that has it" in call("--prime", "T").refused(3)
    refused = run("generate", shelf / "odd", "--prime-file", "prime", cwd=tmp_path).refused(3)
    assert refused == "prime:2:1: byte 0xE2 is not UTF-8; save the prime as UTF-8"


def test_one_candidate_leaves_nothing_to_chance(said: dict[str, Result]) -> None:
    assert said["best, seed 1"].out == said["best, seed 2"].out == said["best by p"].out
    assert said["best, seed 1"].out != said["plain"].out[:200]


def test_byte_and_word_models_write_text(said: dict[str, Result]) -> None:
    bytes_made = said["byte"].out.encode("utf-8", "surrogateescape")
    assert len(said["byte"].out) > 20
    known = {*ODD.encode(), *"\ufffd".encode()}
    assert set(bytes_made) <= known
    assert said["pairs"].out
    words = said["word"].out.replace(".", " .").split()
    assert 20 < len(words) <= 30  # line ends count too
    assert set(words) <= set(ADVICE.split())
    assert "stay at home" in said["word"].out or "work at home" in said["word"].out


def test_stop_ends_before_a_text_that_spans_tokens(shelf: Shelf, said: dict[str, Result]) -> None:
    whole = said["plain"].out
    stop = whole[137:142]
    cut, json_cut, never = together(
        partial(run, "generate", "char", "-n", "300", "--stop", stop, cwd=shelf.folder),
        partial(run, "generate", "char", "-n", "300", "--stop", stop, "-f", "jsonl", cwd=shelf.folder),
        partial(run, "generate", "char", "-n", "300", "--stop", whole[295:300] + "T", cwd=shelf.folder),
    )
    expected = whole[: whole.index(stop)]
    assert cut.ok().out == expected
    assert json.loads(json_cut.ok().out) == {"seed": 1, "text": expected}
    assert never.ok().out == whole


def test_min_p_and_penalty_change_what_they_should_and_nothing_when_off(said: dict[str, Result]) -> None:
    assert said["off"].out == said["plain"].out
    assert said["min-p"].out == said["best, seed 1"].out
    assert len(set(said["penalty"].out[:64])) > len(set(said["plain"].out[:64]))


def test_bad_words_are_not_written_even_where_the_prime_begins_them(shelf: Shelf, said: dict[str, Result]) -> None:
    assert len(said["bad"].out) == 300
    assert "th" not in "t" + said["bad"].out
    assert "e " not in said["bad"].out
    listed = run("generate", *CALLS["bad file"], cwd=shelf.folder, stdin="th\n\ne \n").ok()
    assert listed.out == said["bad"].out
    assert said["two stops"].out == said["plain"].out.partition("a")[0]


@pytest.mark.parametrize("prime", ["please stay at", "please stay at ", "please stay at\t", "home .\n", ""])
def test_the_space_at_the_end_of_a_prime_is_not_written_again(shelf: Shelf, prime: str) -> None:
    alone, echoed, several = (
        run("generate", "word", "-n", "4", "--prime", prime, *more, cwd=shelf.folder).ok().out
        for more in ([], ["--echo"], ["--echo", "--count", "2"])
    )
    assert echoed == prime + alone
    assert several.startswith(echoed + "\n\n" + prime)
    assert alone[:1].isspace() == (prime == "please stay at")


def test_a_copy_that_the_prime_begins_is_bounded_with_it(shelf: Shelf) -> None:
    trained, prime = TEXT[: int(0.9 * len(TEXT))], TEXT[60:80]
    for longest in (3, 19, 25):
        best = ["generate", "char", "-n", "60", "--top-k", "1", "--echo", "--prime", prime]
        text = run(*best, "--max-copy", str(longest), cwd=shelf.folder).ok().out
        new = range(max(len(prime) - longest, 0), len(text) - longest)
        assert not [text[i : i + longest + 1] for i in new if text[i : i + longest + 1] in trained]


def test_a_text_that_is_the_name_of_a_file_is_doubted(shelf: Shelf) -> None:
    said = run("generate", "char", "-n", "3", "-q", "--bad-words", "text.txt", cwd=shelf.folder).ok().err
    assert "what is in that file: --bad-words-file text.txt" in said


def test_the_report_tells_the_copies_and_max_copy_bounds_them(shelf: Shelf) -> None:
    best = ["generate", "char", "-n", "400", "--top-k", "1", "--report"]
    free, bound = (run(*best, *more, cwd=shelf.folder).ok() for more in ([], ["--max-copy", "4"]))
    trained = TEXT[: int(0.9 * len(TEXT))]
    for text, said in ((free.out, free.err), (bound.out, bound.err)):
        grams = [text[i : i + 8] for i in range(len(text) - 7)]
        longest = max(n for n in range(401) if any(text[i : i + n] in trained for i in range(401 - n)))
        share = sum(gram in trained for gram in grams) / len(grams)
        assert said == (
            f"rnncli: of 400 tokens the longest run that is copied from the training text has {longest}; {share:.1%} "
            "of the sequences of 8 tokens occur in it\n"
        )
        assert (longest <= 4) == (text == bound.out)


def test_temperature_moves_the_text_towards_the_best(shelf: Shelf, said: dict[str, Result]) -> None:
    calls = (["char", "-n", "200", "--temperature", "1e-6"], ["word", "-n", "100", "--temperature", "1000"])
    cold, hot = together(*(partial(run, "generate", *call, cwd=shelf.folder) for call in calls))
    assert cold.ok().out == said["best, seed 1"].out

    def unheard(text: str) -> int:
        words = text.replace(".", " .").split()
        return len(set(pairwise(words)) - set(pairwise(ADVICE.split())))

    assert unheard(hot.ok().out) > 30 > 5 > unheard(said["word"].out)


WRONG: dict[str, tuple[Sequence[str], int, Sequence[str]]] = {
    "temperature 0": (["char", "--temperature", "0"], 2, ["--temperature", "--top-k 1"]),
    "temperature nan": (["char", "--temperature", "nan"], 2, ["--temperature"]),
    "temperature -1": (["char", "--temperature", "-1"], 2, ["--temperature"]),
    "top-p 0": (["char", "--top-p", "0"], 2, ["--top-p", "0<x<=1"]),
    "top-p 2": (["char", "--top-p", "2"], 2, ["--top-p", "0<x<=1"]),
    "top-p nan": (["char", "--top-p", "nan"], 2, ["--top-p", "nan is not a number"]),
    "min-p nan": (["char", "--min-p", "nan"], 2, ["--min-p", "nan is not a number"]),
    "min-p -1": (["char", "--min-p", "-1"], 2, ["--min-p", "0<=x<=1"]),
    "penalty 0": (["char", "--repetition-penalty", "0"], 2, ["--repetition-penalty", "0<x<=100"]),
    "penalty nan": (["char", "--repetition-penalty", "nan"], 2, ["--repetition-penalty", "nan is not a number"]),
    "no bad word": (["char", "--bad-words", ""], 2, ["--bad-words", "empty"]),
    "nothing left": (["odd", *(f"--bad-words={c}" for c in sorted({*ODD}))], 2, ["leave nothing to write"]),
    "no bad file": (["char", "--bad-words-file", "nosuch.txt"], 2, ["no such file: nosuch.txt"]),
    "a bad word in place of a file": (["char", "--bad-words-file", "the"], 2, ["--bad-words the text itself"]),
    "two pipes": (["char", "--prime-file", "-", "--bad-words-file", "-"], 2, ["cannot both read standard input"]),
    "copy 0": (["char", "--max-copy", "0"], 2, ["--max-copy", "1<=x<=10000"]),
    "report of a file": (
        ["char/model.safetensors", "--report"],
        2,
        ["--report compares with the training text, which only a run directory knows"],
    ),
    "copy of a file": (
        ["char/model.safetensors", "--max-copy", "9"],
        2,
        ["--max-copy compares with the training text"],
    ),
    "length -1": (["char", "-n", "-1"], 2, ["--length", "0<=x"]),
    "too long": (["char", "-n", "99999999999999999999"], 2, ["--length"]),
    "seeds past the last": (["char", "-n", "3", "--seed", str(2**63 - 1), "--count", "2"], 2, ["--seed"]),
    "two primes": (["char", "--prime", "a", "--prime-file", "b"], 2, ["exclude"]),
    "no run": (["nosuch"], 2, ["no such run or model file: nosuch"]),
    "empty directory": (["empty"], 2, ["no model.safetensors"]),
    "forecast model": (["forecast"], 2, ["task forecast", "language-model"]),
    "no prime file": (["char", "--prime-file", "nosuch.txt"], 2, ["no such file: nosuch.txt"]),
    "unseen": (["char", "--prime", "The ü fox☃"], 3, ['"ü" (U+00FC) at position 5', '"☃" (U+2603) at position 10']),
    "text": (["text.txt"], 4, ["text.txt"]),
    "pickle": (["model.pkl"], 4, ["never loads pickles"]),
    "zip": (["model.pt"], 4, ["zip archive"]),
    "trailing": (["trailing.safetensors"], 4, ["trailing.safetensors"]),
    "one bit": (["bit.safetensors"], 4, ["checksum"]),
    "header": (["header.safetensors"], 4, ["header.safetensors"]),
    **{f"cut {n}": ([f"cut{n}.safetensors"], 4, [f"cut{n}.safetensors"]) for n in range(4)},
}


@pytest.fixture(scope="module")
def refused(shelf: Shelf) -> dict[str, Result]:
    import pickle

    whole = (shelf / "char/model.safetensors").read_bytes()
    header = int.from_bytes(whole[:8], "little")
    flipped = bytearray(whole)
    flipped[-5] ^= 0x10
    renamed = whole.replace(b'\\"cell\\":\\"lstm\\"', b'\\"cell\\":\\"lstn\\"')
    assert renamed != whole
    files = {
        "model.pkl": pickle.dumps({"weights": [1.0]}),
        "model.pt": b"PK\x03\x04" + bytes(100),
        "trailing.safetensors": whole + b"\0\0\0\0",
        "bit.safetensors": bytes(flipped),
        "header.safetensors": renamed,
    }
    for n, length in enumerate((0, 8 + header // 2, 8 + header, len(whole) - 1)):
        files[f"cut{n}.safetensors"] = whole[:length]
    for name, content in files.items():
        (shelf / name).write_bytes(content)
    (shelf / "empty").mkdir()
    jobs = [partial(run, "generate", *arguments, cwd=shelf.folder) for arguments, _, _ in WRONG.values()]
    return dict(zip(WRONG, together(*jobs), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_done_is_refused_in_one_line(name: str, refused: dict[str, Result]) -> None:
    _, code, fragments = WRONG[name]
    message = refused[name].refused(code)
    for fragment in fragments:
        assert fragment in message
    assert refused[name].out == ""


@pytest.mark.long
def test_a_reader_that_leaves_ends_it_in_silence(shelf: Shelf) -> None:
    with start("generate", "char", "-n", "10000000", cwd=shelf.folder, bufsize=0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(20)
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=60) == 141
        assert said == b""


@pytest.mark.long
def test_an_output_that_cannot_be_written(shelf: Shelf) -> None:
    full, closed = together(
        partial(in_shell, "rnncli generate char -n 50 >/dev/full", shelf.folder),
        partial(in_shell, "rnncli generate char -n 50 >&-", shelf.folder),
    )
    assert "no space left" in full.refused(5)
    assert "cannot write" in closed.refused(5)


def test_ctrl_c_ends_it_without_a_traceback(shelf: Shelf) -> None:
    with start("generate", "char", "-n", "10000000", cwd=shelf.folder, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        said = ended(process)
    assert first
    assert said.code == 130
    assert "Traceback" not in said.err
    assert not said.errors


@pytest.mark.long
def test_output_is_utf_8_in_any_locale(shelf: Shelf) -> None:
    (shelf / "accent.txt").write_text("é", encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    command = [*COMMAND, "generate", "odd", "-n", "60", "--prime-file", "accent.txt", "--echo"]
    done = subprocess.run(
        command, cwd=shelf.folder, env=environment(**plain), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("utf-8")
    assert text.startswith("é")
    assert len(text) == 61
    assert set(text) <= set(ODD)


def test_a_model_needs_nothing_beside_it(shelf: Shelf, said: dict[str, Result], tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes((shelf / "char/model.safetensors").read_bytes())
    assert run("generate", "m.bin", "-n", "300", cwd=tmp_path).ok().out == said["plain"].out


@pytest.mark.long
def test_the_first_run_says_that_it_compiles_and_later_ones_do_not(shelf: Shelf, tmp_path: Path) -> None:
    empty = environment(XDG_CACHE_HOME=str(tmp_path))
    said = [run("generate", "char", "-n", "5", cwd=shelf.folder, env=empty).ok().err for _ in range(2)]
    assert said == [COMPILING, ""]


@pytest.mark.long
def test_where_kernels_cannot_be_kept_each_run_says_so_and_works(shelf: Shelf, said: dict[str, Result]) -> None:
    obstacle = shelf.folder / "text.txt"
    nowhere = environment(RNNCLI_CACHE=str(obstacle))
    for _ in range(2):
        done = run("generate", "char", "-n", "300", cwd=shelf.folder, env=nowhere).ok()
        assert done.err == (
            f"rnncli: compiled kernels cannot be kept in {obstacle} (not a directory): every start compiles anew, "
            "about 10 s; set RNNCLI_CACHE to a folder that you alone can write to\n"
        )
        assert done.out == said["plain"].out


def test_a_long_text_is_a_json_line_that_is_written_in_pieces(
    shelf: Shelf, said: dict[str, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generated_text, "_WHOLE", 50)
    writes: list[str] = []
    write = generated_text.Output.write
    monkeypatch.setattr(generated_text.Output, "write", lambda out, text: (writes.append(text), write(out, text))[1])
    for name in ("plain", "jsonl"):
        writes.clear()
        assert run("generate", *CALLS[name], cwd=shelf.folder).ok().out == said[name].out
    assert len(writes) > 2 * 300 / 60


def test_one_text_may_be_as_long_as_it_likes(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[decoding.Continuations] = []
    begin = decoding.Continuations.__init__

    def kept(own: decoding.Continuations, *given: Any) -> None:
        made.append(own)
        begin(own, *given)

    monkeypatch.setattr(decoding.Continuations, "__init__", kept)
    for count in (1, 3):
        text = run("generate", "char", "-n", "5000", "--count", str(count), cwd=shelf.folder).ok().out
        assert len(text) == 5000 * count + 2 * (count - 1)
        assert sum(chunk.size for chunk in made[-1]._chunks[:-1]) == 0
