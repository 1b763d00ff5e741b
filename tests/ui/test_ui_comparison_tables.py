"""Several networks side by side, as table, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from gradient_reports import layer, powers, report

from rnncli.inspection.reports import Advice, Basis, Compared, Trained
from rnncli.ui.comparison_tables import write_comparison
from rnncli.ui.gradient_tables import as_json
from rnncli.ui.results import rounded, three_digits

RNN = Compared("rnn", report(layer(powers(0.6, 41), verdict="vanishing", memory_1_percent=10), at="init"))
LSTM = Compared(
    "lstm",
    report(
        layer(powers(0.8, 41)), layer(powers(0.97, 41), 1), at="init", advice=(Advice("a sentence", ("--set a=1",)),)
    ),
)
GRU = Compared("gru", report(layer(powers(0.9, 41)), at="init"))
TRAINED = Compared("gru", report(layer(powers(0.95, 21)), at="best", loss=0.75))


def written(compared: Sequence[Compared], form: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    write_comparison(compared, form)
    return capsys.readouterr().out


def test_three_networks_stand_side_by_side_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written([RNN, LSTM, GRU], "table", capsys).splitlines()
    assert lines[0] == "before training"
    assert re.split(r" {2,}", lines[1].strip()) == ["rnn", "lstm, layer 1", "gru"]
    assert lines[2].split() == ["lag", "left", "vanishing", "left", "healthy", "left", "healthy"]
    tenth = next(line.split() for line in lines if line.split()[:1] == ["10"])
    # The layer of the lstm that reaches deepest is the second.
    assert [cell for cell in tenth[1:] if cell[0].isdigit()] == [three_digits(base**10) for base in (0.6, 0.97, 0.9)]
    assert sum(line.split()[:1] == ["lag"] for line in lines) == 1
    assert max(map(len, lines)) <= 80


def test_networks_before_and_after_training_are_apart(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written([TRAINED, RNN, GRU], "table", capsys).splitlines()
    before, after = lines.index("before training"), lines.index("after training")
    assert before < after
    assert lines[before + 1].split() == ["rnn", "gru"]
    assert lines[after + 1].split() == ["gru"]
    end = [line.split()[:2] for line in lines[after:] if re.match(r" *\d", line)][-1]
    assert end == ["20", three_digits(0.95**20)]
    assert "where training failed" not in lines


def test_the_summary_has_a_row_a_network_in_the_same_order(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written([TRAINED, RNN, LSTM], "table", capsys).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("network"))
    assert [" ".join(line.split()) for line in lines[start : start + 4]] == [
        "network at batch loss layer half-life 1% after left at end verdict",
        "rnn init 1.250 layer 0 6.58 10 1.34e-9 vanishing",
        "lstm init 1.250 layer 1 6.58 > 40 0.296 healthy",
        "gru best 0.7500 layer 0 6.58 > 20 0.358 healthy",
    ]
    assert [line for line in lines[start + 4 :] if line.strip()] == [
        "lstm, before training",
        "→ a sentence. Try",
        "    --set a=1",
    ]


def test_how_long_networks_were_trained_and_what_their_losses_are_of_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(name: str, tokens: int, split: str) -> Compared:
        basis = Basis({"data": ("0a",), "split": (split,)})
        return replace(TRAINED, name=name, trained=Trained(tokens // 100, tokens), basis=basis)

    alike = [run("a", 120_000, "0.1"), run("b", 90_000, "0.1")]
    text = written(alike, "table", capsys)
    assert "network at updates tokens batch loss a best 1,200 120,000 0.7500" in " ".join(text.split())
    assert "not comparable" not in text
    assert "not trained alike" not in text
    found = json.loads(written(alike, "json", capsys))
    assert [(one["updates"], one["tokens"]) for one in found["compared"]] == [(1200, 120_000), (900, 90_000)]
    assert found["not_comparable"] == []
    unlike = [*alike, run("c", 70_000, "0.2")]
    text = " ".join(written(unlike, "table", capsys).split())
    assert "losses and scores are not comparable: the networks differ in split" in text
    assert "not trained alike: on 70,000 to 120,000 tokens, which may be why they differ" in text
    assert json.loads(written(unlike, "json", capsys))["not_comparable"] == ["split"]


def test_a_bar_says_the_same_in_every_network_though_one_explodes(capsys: pytest.CaptureFixture[str]) -> None:
    exploding = Compared("wild", report(layer(powers(1.9, 41), verdict="exploding"), at="best"))
    text = written([RNN, exploding, GRU], "table", capsys)
    assert "full from 100;" in text
    full, once = (next(line for line in text.splitlines() if cell in line) for cell in ("1.41e11", " 1.00 "))
    bar = re.findall(r"[█┊]+[▏▎▍▌▋▊▉]?", full)[-1]
    below = bar.index("┊")
    # Four decades between the rule and the end, the first two of them up to 1.
    ones = re.findall(r"[█┊]+[▏▎▍▌▋▊▉]?", once)
    assert len(set(ones)) == 1
    assert abs(len(ones[0]) - 1 - below - (len(bar) - 1 - below) / 2) <= 1


def test_the_json_has_every_report_under_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(written([RNN, TRAINED], "json", capsys))
    assert list(found) == ["compared", "not_comparable"]
    assert [one.pop("name") for one in found["compared"]] == ["rnn", "gru"]
    assert [one.pop("score") for one in found["compared"]] == [None, None]
    assert [(one.pop("updates"), one.pop("tokens")) for one in found["compared"]] == [(None, None)] * 2
    assert found["compared"] == [rounded(as_json(one.report)) for one in (RNN, TRAINED)]


def test_the_csv_has_a_column_a_network_and_layer(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(written([TRAINED, LSTM], "csv", capsys))))
    assert rows[0] == ["lag", "gru layer 0 left", "lstm layer 0 left", "lstm layer 1 left"]
    assert [float(cell) for cell in rows[21]] == pytest.approx([20, 0.95**20, 0.8**20, 0.97**20])
    assert rows[41][:2] == ["40", ""]
    assert len(rows) == 1 + 41


def test_networks_of_one_name_have_columns_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(written([GRU, TRAINED, TRAINED], "csv", capsys))))
    assert rows[0] == ["lag", "gru (init) layer 0 left", "gru (best) layer 0 left", "gru (best) #2 layer 0 left"]
    assert [float(cell) for cell in rows[3][1:]] == pytest.approx([0.9**2, 0.95**2, 0.95**2])


def test_long_and_hostile_names_keep_to_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    name = "runs/[bold]a-name-\x1b[31m-without-a-space-that-is-longer-than-any-column-could-ever-be-at-all-in-80[/x]"
    encoder = layer(powers(1.9, 301), 1, part="encoder", reverse=True, verdict="exploding", memory_1_percent=None)
    other = report(layer(powers(0.9, 301)), encoder, at="failure", advice=(Advice("a sentence"),))
    text = written([RNN, *(Compared(f"{name}{i}", other) for i in range(4))], "table", capsys)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "[bold]" in text
    assert "where training failed" in text
    assert text == written([RNN, *(Compared(f"{name}{i}", other) for i in range(4))], "table", capsys)


def test_names_of_runs_are_not_broken_beside_what_they_were_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("runs/plain-network-of-friday", "runs/long-memory-of-monday")
    text = written([replace(TRAINED, name=name, trained=Trained(741, 754_357)) for name in names], "table", capsys)
    for name in names:
        rows = [line.split() for line in text.splitlines() if line.startswith(name) and line.split()[1:2] == ["best"]]
        trained, reaching = rows
        assert trained == [name, "best", "741", "754,357", "0.7500"]
        assert reaching == [name, "best", "6.58", ">", "20", "0.358", "healthy"]
    assert max(map(len, text.splitlines())) <= 80
