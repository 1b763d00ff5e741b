"""score: how surprising the lines of a text are, as they come."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from cli_runs import ended, run, start
from conftest import ADVICE, TEXT, Shelf

STRANGE = "The hen saw the fox by the barn.\nxqzzkvw\nThe hen fed the hen by the well.\n"


def test_the_totals_are_those_of_an_evaluation(shelf: Shelf, place: Path) -> None:
    (place / "new.txt").write_text(TEXT[:900] + "\n", encoding="utf-8")
    found = json.loads(run("score", shelf / "char", "new.txt", "-f", "json", cwd=place).ok().out)["totals"]
    score = json.loads(run("evaluate", shelf / "char", "new.txt", "-f", "json", cwd=place).ok().out)
    bits = score["network"] / 0.6931471805599453
    assert found["tokens"] == 901
    assert found["bits_per_token"] == pytest.approx(bits, rel=1e-5)
    assert found["perplexity"] == pytest.approx(2 ** found["bits_per_token"], rel=1e-6)
    assert found["lines"] == TEXT[:900].count("\n") + 1


@pytest.mark.parametrize("name", ["char", "word", "byte", "odd", "pairs"])
def test_the_bits_of_tokens_add_up_to_those_of_lines_and_these_to_the_totals(name: str, shelf: Shelf) -> None:
    text = ADVICE[:300] if name == "word" else "a\x1b[31m[/x]é\u202eb\nab\n\né\n" if name != "char" else TEXT[:200]
    lines, tokens = (
        json.loads(run("score", name, "-f", "json", *extra, cwd=shelf.folder, stdin=text).ok().out)
        for extra in ([], ["--tokens"])
    )
    assert lines["totals"] == tokens["totals"]
    assert sum(line["bits"] for line in lines["lines"]) == pytest.approx(
        lines["totals"]["bits_per_token"] * lines["totals"]["tokens"], rel=1e-5
    )
    for line in lines["lines"]:
        own = [token for token in tokens["tokens"] if token["line"] == line["line"]]
        assert len(own) == line["tokens"]
        assert sum(token["bits"] for token in own) == pytest.approx(line["bits"], rel=1e-5)
        assert "".join(token["token"] for token in own).rstrip() == line["text"].rstrip()


def test_unknown_words_are_counted_and_left_out_of_a_second_number(shelf: Shelf) -> None:
    said = run("score", "word", "-f", "json", cwd=shelf.folder, stdin="please stay at zanzibar .\n").ok()
    found = json.loads(said.out)
    assert found["totals"]["unknown"] == found["lines"][0]["unknown"] == 1
    assert found["totals"]["bits_per_token_of_known"] < found["totals"]["bits_per_token"]
    said = run("score", "word", "-f", "csv", cwd=shelf.folder, stdin="please stay at zanzibar .\n").ok()
    assert "; 1 unknown, without them " in said.err
    assert said.rows()[0]["text"] == "please stay at zanzibar ."


def test_what_stands_out_comes_first(shelf: Shelf) -> None:
    most = ["--most-surprising"]
    for wanted in ([*most, "1"], [*most, "34%"]):
        rows = run("score", "char", *wanted, cwd=shelf.folder, stdin=STRANGE).ok().rows()
        assert rows[0]["line"] == "2"
    bits = [float(row["bits_per_token"]) for row in run("score", "char", cwd=shelf.folder, stdin=STRANGE).ok().rows()]
    ordered = run("score", "char", *most, "3", cwd=shelf.folder, stdin=STRANGE).ok().rows()
    assert [float(row["bits_per_token"]) for row in ordered] == sorted(bits, reverse=True)
    above = run("score", "char", "--above", str(max(bits) - 0.01), cwd=shelf.folder, stdin=STRANGE).ok()
    assert [row["line"] for row in above.rows()] == ["2"]
    assert "3 lines" in above.err  # the totals are of all
    shown = run("score", "char", "-f", "table", cwd=shelf.folder, stdin=STRANGE + "\n").ok().out
    assert shown.splitlines()[1].split()[0] == "2"
    assert "the 3 most surprising of 4 lines (-f csv has all); in all" in shown  # a blank one is not among them
    whole = run("score", "char", "-f", "table", cwd=shelf.folder, stdin=STRANGE).ok().out
    assert "<stdin>: 3 lines, " in whole
    assert [line.split()[0] for line in shown.splitlines()].index("<stdin>:") == 4  # after a head and three lines
    watched = run("score", "char", "-f", "table", "--above", "0", cwd=shelf.folder, stdin=STRANGE).ok().out
    assert [line.split()[0] for line in watched.splitlines()[:3]] == ["1", "2", "3"]


@pytest.mark.long
def test_a_pipe_is_scored_line_by_line_as_it_comes(shelf: Shelf) -> None:
    with start("score", "char", "-", "--above", "0", cwd=shelf.folder, stdin=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for number, line in enumerate(STRANGE.splitlines(), start=1):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            if number == 1:
                assert process.stdout.readline().startswith(b"line,tokens,")
            assert process.stdout.readline().startswith(b"%d," % number)
        ended(process).ok()


def test_a_model_that_learns_is_a_second_number(shelf: Shelf) -> None:
    without, with_it = (
        json.loads(run("score", "char", "-f", "json", *more, cwd=shelf.folder, stdin=STRANGE * 40).ok().out)
        for more in ([], ["--adapt"])
    )
    assert with_it["totals"]["bits_per_token"] == without["totals"]["bits_per_token"]
    assert with_it["totals"]["bits_per_token_learning"] < without["totals"]["bits_per_token"]
    assert "bits_per_token_learning" not in without["totals"]
    assert with_it["lines"][-1]["bits_per_token_learning"] < with_it["lines"][-1]["bits_per_token"]


def test_heat_colours_the_text_and_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    said = run("score", "char", "--heat", cwd=shelf.folder, stdin=STRANGE).ok().out
    assert re.sub(r"\x1b\[[\d;]*m", "", said).partition("\n")[2] == STRANGE
    assert "\x1b[48;5;" in said
    page = tmp_path / "heat.html"
    made = run("score", "char", "--heat", page, cwd=shelf.folder, stdin=STRANGE.replace("xq", "<b>&")).ok()
    assert made.err.endswith(f"rnncli: written to {page}\n")
    quiet = run("score", "char", "--heat", page, "-q", cwd=shelf.folder, stdin=STRANGE.replace("xq", "<b>&")).ok()
    assert "written to" not in quiet.err
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    body = html.partition("<pre>\n")[2].partition("</pre>")[0]
    assert re.sub(r"<[^>]*>", "", body) == STRANGE.replace("xq", "&lt;b&gt;&amp;")
    assert run("score", "char", "--heat", "x.txt", cwd=shelf.folder).refused(2).count("is no .html file")
    assert "leave out" in run("score", "char", "--heat", "-f", "csv", cwd=shelf.folder).refused(2)


def test_bytes_of_one_character_are_coloured_together(shelf: Shelf) -> None:
    said = run("score", "byte", "--heat", cwd=shelf.folder, stdin="é\n").ok().out
    assert re.sub(r"\x1b\[[\d;]*m", "", said).partition("\n")[2] == "é\n"


def test_what_cannot_be_scored(shelf: Shelf, place: Path) -> None:
    refused = run("score", shelf / "forecast", "text.txt", cwd=place).refused(2)
    assert refused.startswith("this is a model for the task forecast; score needs a language-model")
    assert "rnncli evaluate" in refused
    assert "no such file" in run("score", shelf / "char", "nosuch.txt", cwd=place).refused(2)
    (place / "texts").mkdir()
    refused = run("score", shelf / "char", "texts", cwd=place).refused(2)
    assert refused.endswith(f"rnncli evaluate {shelf / 'char'} texts")
    for wrong in ("0", "0%", "100%", "x", "nan%", "1.5"):
        assert "write 20 or 1%" in run("score", "char", "--most-surprising", wrong, cwd=place).refused(2)
    (place / "bad.txt").write_bytes(b"The hen\n\xff\xfe\x00\xe9\nThe fox\n")
    (place / "bytes.txt").write_bytes(b"The hen\nThe f\xe9x\nThe fox\n")
    said = run("score", shelf / "char", "bytes.txt", cwd=place)
    assert said.code == 3
    assert [row["line"] for row in said.rows()] == ["1", "3"]
    assert "bytes.txt:2:6: byte 0xE9" in said.err
    assert run("score", shelf / "char", "bytes.txt", "--strict", cwd=place).code == 3
    latin = run("score", shelf / "char", "bytes.txt", "--encoding", "latin-1", cwd=place).ok()
    assert latin.rows()[1]["text"] == "The féx"


@pytest.mark.parametrize("text", ["", "\n", "x", "\n\n\n"])
@pytest.mark.parametrize("name", ["char", "word", "byte"])
@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_hardly_any_text(text: str, name: str, form: str, shelf: Shelf) -> None:
    said = run("score", name, "-f", form, cwd=shelf.folder, stdin=text).ok()
    if form == "json":
        assert json.loads(said.out)["totals"]["lines"] == len(text.splitlines())


NAMES = ["Ida", "Émile", "Jo Ann", "Bo", "Anna"] * 12


def trained(place: Path, items: str, *keys: str) -> str:
    (place / "names.txt").write_text("\n".join(NAMES) + "\n\nEnd\n\nOf\n", encoding="utf-8")
    small = ["model.hidden_size=6", "training.updates=4", "training.with_ngram=true", f"data.items={items}", *keys]
    run("train", "names.txt", "-o", items, "-q", *(part for key in small for part in ("--set", key)), cwd=place).ok()
    return items


@pytest.mark.parametrize("tokens", ["char", "word", "byte"])
def test_each_item_is_scored_by_itself_with_its_end(tokens: str, place: Path) -> None:
    model = trained(place, "lines", f"data.tokens={tokens}")
    (place / "new.txt").write_text("Bo Ida\nAnna\nJo\nBo Ida\n", encoding="utf-8")
    text = "Bo Ida\n\nAnna\n  \nJo\nBo Ida\n"
    found = json.loads(run("score", model, "-f", "json", cwd=place, stdin=text).ok().out)
    first, blank, anna, white, _, again = found["lines"]
    assert first["bits"] == pytest.approx(again["bits"], rel=1e-5)
    assert blank["tokens"] == white["tokens"] == 0
    assert anna["tokens"] == (2 if tokens == "word" else 5)
    alone = json.loads(run("score", model, "-f", "json", cwd=place, stdin="Anna\n").ok().out)
    assert alone["lines"][0]["bits"] == pytest.approx(anna["bits"], rel=1e-5)
    pieces = json.loads(run("score", model, "-f", "json", "--tokens", cwd=place, stdin=text).ok().out)["tokens"]
    assert "".join(token["token"] for token in pieces) == "Bo Ida\nAnna\nJo\nBo Ida\n"
    score = json.loads(run("evaluate", model, "new.txt", "-f", "json", cwd=place).ok().out)
    together = score["figures"]["network and Kneser-Ney 5-gram together"] / 0.6931471805599453
    assert found["totals"]["bits_per_token"] == pytest.approx(together, rel=1e-5)


def test_what_cannot_be_scored_line_by_line_is_told(place: Path) -> None:
    message = run("score", trained(place, "lines"), "--adapt", cwd=place, stdin="Bo\n").refused(2)
    assert "--adapt: lines that have nothing to do with each other teach nothing; leave it out" in message
    message = run("score", trained(place, "paragraphs"), cwd=place, stdin="Bo\n").refused(2)
    assert "score reads lines, and this is a model of paragraphs; use rnncli evaluate RUN DATA" in message
