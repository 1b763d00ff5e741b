"""inspect-grads as table, CSV and JSON: the same numbers, 80 columns, nothing but text without a terminal."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from gradient_reports import LONG_NAMES, checked, layer, parameter, powers, report

from rnncli.inspection.reports import RULE, Advice, Clipping, GradientReport, StepJacobians
from rnncli.ui.gradient_tables import as_json, write_gradients
from rnncli.ui.output import wrapped

ADVICE = (
    Advice(
        "layer 0 has less than 1% of its gradient left after lag 44, which is far from where it needs it most",
        ("--set training.bptt=48", "--set model.cell=gru --set model.chrono_init=64"),
    ),
    Advice("[bold]a second one[/x] with --set model.forget_bias=1.0"),
)


def two_layers() -> GradientReport:
    reached = {"memory_1_percent": 44, "memory_interval": (40, None), "verdict": "vanishing"}
    first = layer(powers(0.9, 64, first=0.125), **reached)
    beyond = {"half_life": None, "half_life_above": 63, "half_life_interval": (20.0, None)}
    return report(first, layer(powers(0.97, 64), 1, **beyond), advice=ADVICE)


def written(one: GradientReport, form: str | None, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    write_gradients(one, form)
    return capsys.readouterr().out


def line_of(text: str, *words: str) -> list[str]:
    """The words of the only line that begins with `words`."""
    found = [line.split() for line in text.splitlines() if line.split()[: len(words)] == list(words)]
    assert len(found) == 1, found
    return found[0]


def table(text: str, first: str) -> list[str]:
    """The lines of the table with the first column's title `first`, up to an empty one."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next((i for i, line in enumerate(lines[start:], start) if not line.strip()), len(lines))
    return lines[start:end]


def test_the_json_has_every_key_and_the_numbers_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(written(two_layers(), "json", capsys))
    assert {key: found[key] for key in ("at", "loss", "unit", "sequences", "batches", "rule", "check")} == {
        "at": "best",
        "loss": 1.25,
        "unit": "nats per token",
        "sequences": 8,
        "batches": 4,
        "rule": RULE,
        "check": None,
    }
    assert found["lags"] == list(range(64))
    assert found["advice"] == list(map(str, ADVICE))
    first = found["layers"][0]
    by_lag = {name: first.pop(name) for name in list(first) if isinstance(first[name], list) and len(first[name]) == 64}
    assert {name: values[50] for name, values in by_lag.items()} == pytest.approx(
        {
            "gradient_norm_by_lag": 0.0625 * 0.9**50,
            "state_gradient_norm_by_lag": 0.125 * 0.9**50,
            "left_by_lag": 0.9**50,
            "own_gradient_norm_by_lag": 0.125 * 0.9**50,
            "own_left_by_lag": 0.9**50,
            "step_jacobian_norm": 0.9,
            "state_step_jacobian_norm": 0.95,
            "smallest_singular_value": 0.05,
        }
    )
    assert first == {
        "layer": 0,
        "name": "layer 0",
        "part": "",
        "direction": "forward",
        "without_attention_by_lag": None,
        "left_without_attention": None,
        "singular_values": {"largest": pytest.approx(0.95), "smallest": pytest.approx(0.05)},
        "decay": 0.9,
        "half_life": 6.5788,
        "half_life_above": None,
        "half_life_interval": [6.25, 7.0],
        "memory_1_percent": 44,
        "memory_1_percent_interval": [40, None],
        "judged_lag": 63,
        "left_at_judged_lag": pytest.approx(0.9**63),
        "left_at_longest_lag": pytest.approx(0.9**63),
        "spectral_radius": 0.875,
        "spectral_radius_by_gate": {"candidate": 0.875, "forget": None},
        "lyapunov": pytest.approx(math.log(0.9)),
        "jacobian_sequences": 8,
        "verdict": "vanishing",
    }
    assert found["parameters"][1] == {
        "name": "rnn.bias_hh_l0",
        "shape": [128],
        "weight_norm": 12.5,
        "grad_norm": 0.25,
        "ratio": 0.02,
        "update_ratio": None,
        "zero_share": 0.375,
        "signal_to_noise": 1.5,
    }
    assert found["gates"] == [
        {"layer": "layer 0", "gate": "forget", "mean": 0.75, "low": 0.125, "high": 0.5, "dead_units": None, "units": 64}
    ]
    assert found["clip"] == {"clip_norm": 5.0, "clipped": 0.75, "scale": 0.42, "mean_norm": 9.1, "largest_norm": 14.0}


def test_the_mean_singular_value_is_of_the_lags_that_were_measured() -> None:
    jacobians = StepJacobians(4, (None, 2.0, None, 4.0), (None,) * 4, (None, 1.0, None, 1.5), -math.inf)
    found = as_json(report(layer(powers(0.5, 4), jacobians=jacobians)))["layers"][0]
    assert found["singular_values"] == {"largest": 3.0, "smallest": None}
    assert found["step_jacobian_norm"] == (None, 1.0, None, 1.5)


def test_the_json_says_whether_a_check_passed(capsys: pytest.CaptureFixture[str]) -> None:
    one = replace(two_layers(), check=checked(1e-9, 3e-5, 1e-8))
    assert json.loads(written(one, "json", capsys))["check"] == {
        "tolerance": 1e-6,
        "worst": 3e-5,
        "passed": False,
        "parameters": [{"name": f"p{i}", "elements": 20, "error": e} for i, e in enumerate((1e-9, 3e-5, 1e-8))],
    }


def test_the_csv_has_the_numbers_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    encoder = layer(powers(0.5, 6), part="encoder", reverse=True, without_attention_by_lag=powers(0.25, 6))
    one = report(encoder, layer(powers(0.9, 4), 1))
    rows = list(csv.reader(io.StringIO(written(one, "csv", capsys))))
    names = ["encoder layer 0 backward", "layer 1"]
    every = [f"{name} {what}" for name in names for what in ("state", "left", "own left", "step jacobian")]
    assert rows[0] == ["lag", *names, *every]
    found = json.loads(written(one, "json", capsys))["layers"]
    keys = ("state_gradient_norm_by_lag", "left_by_lag", "own_left_by_lag", "step_jacobian_norm")
    columns = [one["gradient_norm_by_lag"] for one in found] + [one[key] for one in found for key in keys]
    for lag, row in enumerate(rows[1:]):
        assert [float(cell) if cell else None for cell in row] == [
            lag,
            *(column[lag] if lag < len(column) else None for column in columns),
        ]
    assert len(rows) == 1 + 6
    assert rows[6][2] == rows[6][-1] == ""
    assert found[0]["direction"] == "backward"


def test_a_pipe_gets_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(two_layers(), None, capsys) == written(two_layers(), "csv", capsys)


def test_the_table_has_the_ruler_then_the_summary_then_the_advice_then_the_details(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = written(two_layers(), "table", capsys)
    assert text.startswith("Best weights: loss 1.250 nats per token, 8 sequences in 4 batches\n")
    marks = [
        "lag ",
        "0.00515",
        "decay",
        "exploding:",
        "→ layer 0",
        "→ [bold]a second one[/x]",
        "Lyapunov",
        "forget ",
        "|grad|",
        "clip_norm 5",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert line_of(text, "50")[1:4] == ["0.000644", "0.900", "0.00515"]


def test_the_summary_says_how_far_each_layer_reaches(capsys: pytest.CaptureFixture[str]) -> None:
    lines = table(written(two_layers(), "table", capsys), "layer  ")
    assert lines[0].split("  ")[-1] == "verdict" or lines[0].strip().endswith("verdict")
    assert "left at 63" in lines[0]
    assert [" ".join(line.split()) for line in lines[1:3]] == [
        "layer 0 0.900 6.58 (6.25–7.00) 44 (40–>63) 0.00131 vanishing",
        "layer 1 0.900 > 63 (20.0–>63) > 63 0.147 healthy",
    ]


def test_a_half_life_is_never_only_where_the_gradient_is_measured_not_to_fall(
    capsys: pytest.CaptureFixture[str],
) -> None:
    level = {"decay": 1.0, "half_life": None, "half_life_interval": (None, None)}
    slow = level | {"half_life_above": 63}
    one = report(layer(powers(1.0, 64), **level), layer(powers(0.999, 64), 1, **slow))
    lines = table(written(one, "table", capsys), "layer  ")
    assert " ".join(lines[1].split()).startswith("layer 0 1.00 does not fall > 63")
    assert " ".join(lines[2].split()).startswith("layer 1 1.00 > 63 > 63")


def test_a_layer_without_a_gradient_has_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    none = {"decay": None, "half_life": None, "half_life_interval": None, "verdict": "no gradient"}
    text = written(report(layer((0.0, 0.0), **none), layer((1.0, 0.5, 0.25), 1)), "table", capsys)
    assert " ".join(table(text, "layer  ")[1].split()) == "layer 0 – – – – no gradient"
    assert "left at end" in text


def test_the_details_have_the_numbers_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(two_layers(), "table", capsys)
    jacobians = next(line for line in text.splitlines() if line.startswith("layer 0") and "×" in line)
    assert jacobians.split()[2:] == ["0.950", "0.0500", "-0.105", "×", "0.900", "0.875"]
    assert line_of(text, "layer", "0", "forget")[3:] == ["0.750", "12.5%", "50.0%", "–"]
    assert line_of(text, "rnn.weight_ih_l0")[1:] == ["128×64", "12.5", "0.250", "0.00125", "37.5%", "1.50"]
    assert line_of(text, "rnn.bias_hh_l0")[1:] == ["128", "12.5", "0.250", "–", "37.5%", "1.50"]


@pytest.mark.parametrize(("exponent", "shown"), [(-math.inf, ["−∞", "×", "0"]), (1e4, ["10000", "×", "∞"])])
def test_what_a_step_multiplies_by_may_be_nothing_or_endless(
    exponent: float, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    jacobians = StepJacobians(4, (None, math.inf), (None, 0.0), (None, 1.0), exponent)
    text = written(report(layer((1.0, 2.0), jacobians=jacobians)), "table", capsys)
    line = next(line for line in text.splitlines() if line.startswith("layer 0") and "×" in line)
    assert line.split()[2:] == ["∞", "0", *shown, "0.875"]


@pytest.mark.parametrize(
    ("clip", "batches", "said"),
    [
        (
            Clipping(5.0, 0.75, 0.42, 9.1, 14.0),
            4,
            "clip_norm 5 acted on 3 of 4 batches, which it scaled by 0.420 on "
            "average; the gradient's norm is 9.10 on average, 14.0 at most",
        ),
        (
            Clipping(5.0, 1.0, 0.5, 10.0, 10.0),
            1,
            "clip_norm 5 acted on 1 of 1 batch, which it scaled by 0.500; the gradient's norm is 10.0",
        ),
        (
            Clipping(0.25, 0.0, None, 0.1, 0.2),
            8,
            "clip_norm 0.25 acted on none of 8 batches; the gradient's norm is 0.100 on average, 0.200 at most",
        ),
        (
            Clipping(None, 0.0, None, 9.1, math.inf),
            2,
            "clip_norm null: nothing is clipped; the gradient's norm is 9.10 on average, ∞ at most",
        ),
    ],
)
def test_clipping_is_a_sentence(clip: Clipping, batches: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = written(replace(two_layers(), clip=clip, batches=batches), "table", capsys)
    assert text.replace("\n", " ").endswith(said + " ")


@pytest.mark.parametrize("form", ["csv", "json", None])
def test_in_a_pipe_a_check_says_how_it_ended_beside_the_numbers(
    form: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for errors, ended in (((1e-9,), "passed"), ((1e-9, 3e-5), "failed")):
        write_gradients(replace(two_layers(), check=checked(*errors)), form)
        shown = capsys.readouterr()
        assert shown.err.startswith(f"rnncli: gradient check {ended}: the worst relative error is ")
        assert shown.err.count("\n") == 1
        if form != "json":
            rows = list(csv.DictReader(io.StringIO(shown.out)))
            assert {(row["gradient check"], float(row["worst error"])) for row in rows} == {(ended, max(errors))}


def test_a_check_names_its_worst_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(replace(two_layers(), check=checked(1e-9, 3e-5)), "table", capsys)
    assert line_of(text, "p1")[1:] == ["20", "3.00e-5"]
    last = "gradient check failed: the worst relative error is 3.00e-5, of p1; the tolerance is 1.00e-6"
    assert " ".join(text.split()).endswith(last)
    assert "gradient check passed" in written(replace(two_layers(), check=checked(1e-9)), "table", capsys)


def long() -> GradientReport:
    names = [*LONG_NAMES, "decoder.rnn.weight_ih_l0"]
    parameters = tuple(parameter(name, (4096, 1024), grad_norm=1.234e-5, update_ratio=1e-9) for name in names)
    layers = [
        layer(
            powers(base, 200),
            number,
            part="encoder",
            reverse=True,
            without_attention_by_lag=powers(0.5, 200),
            half_life=1234.0,
            half_life_interval=(1e3, None),
            memory_interval=(170, None),
        )
        for number, base in enumerate((0.9, 1.9))
    ]
    return report(
        *layers,
        layer(powers(0.99, 90), part="decoder"),
        parameters=parameters,
        advice=ADVICE,
        check=checked(1e-9),
        at="init",
        loss=123456.789,
        unit="nats per token of the target",
    )


@pytest.mark.parametrize("one", [two_layers(), long()], ids=["short", "long names"])
def test_the_table_keeps_to_80_columns_and_names_are_whole(
    one: GradientReport, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = written(one, "table", capsys).splitlines()
    assert max(map(len, lines)) <= 80
    for name in (each.name for each in one.parameters):
        assert len([line for line in lines if line.split()[:1] == [name]]) == 1
    assert not any("…" in line for line in lines)


def test_columns_give_way_to_long_names_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    def titles(name: str) -> list[str]:
        one = replace(two_layers(), parameters=(parameter(name, (512, 128)),))
        return table(written(one, "table", capsys), "parameter")[0].split()

    every = ["parameter", "shape", "|weight|", "|grad|", "update", "zeros", "s/n"]
    assert titles("n" * 20) == titles("n" * 30) == every
    assert titles("n" * 36) == [title for title in every if title != "zeros"]
    assert titles("n" * 48) == ["parameter", "shape", "|grad|", "update", "s/n"]


def test_an_option_and_its_value_stay_on_one_line() -> None:
    text = "word " * 13 + "then try --set training.bptt=48 and --set model.cell=gru"
    lines = wrapped(text, 80, "→ ")
    assert [line[:6] for line in lines] == ["→ word", "  --se"]
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(" ".join(lines).split()) == "→ " + text
    assert wrapped("try --set a=" + "b" * 90, 80) == ["try", "--set a=" + "b" * 90]


def test_without_a_terminal_there_is_nothing_but_text(capsys: pytest.CaptureFixture[str]) -> None:
    one = replace(two_layers(), advice=(Advice("[red]\x1b[31m[/x]"),))
    text = written(one, "table", capsys)
    assert "→ [red]\\x1b[31m[/x]" in text
    assert "\x1b" not in text
    assert text == written(one, "table", capsys)


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_the_table_with_its_verdicts_coloured(
    colour: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    text = written(two_layers(), None, capsys)
    assert ("\x1b[33mvanishing" in text) == colour
    assert ("\x1b[32mhealthy" in text) == colour
    assert "decay" in text


def test_numbers_that_are_not_finite_are_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = json.loads(written(report(layer((1.0, math.inf, math.nan))), "json", capsys))
    assert found["layers"][0]["state_gradient_norm_by_lag"] == [1.0, None, None]
    assert found["layers"][0]["left_by_lag"] == [1.0, None, None]


def test_a_long_name_of_a_layer_is_folded_and_its_figures_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    interval = {"half_life": 1234.0, "half_life_interval": (1111.0, 1333.0), "memory_interval": (170, None)}
    one = report(layer(powers(0.9, 200), part="encoder", reverse=True, verdict="no gradient", **interval))
    lines = table(written(one, "table", capsys), "layer  ")
    assert lines[1].startswith("encoder ")
    assert " ".join(lines[1].split()).endswith("0.900 1230 (1110–1330) > 199 (170–>199) 7.84e-10 no gradient")


@pytest.mark.parametrize("columns", [40, 50, 72, 80])
def test_a_narrow_terminal_leaves_columns_out_and_breaks_no_word(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"grad_norm": 0.00771, "update_ratio": 0.00234}
    names = ("rnn.weight_hh_l0", "rnn.weight_ih_l0_reverse")
    one = replace(two_layers(), parameters=tuple(parameter(name, **small) for name in names), gates=())
    words = set(written(one, "table", capsys).split())
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = written(one, "table", capsys).splitlines()
    rows = [line for line in shown if not re.match("rnncli|.*--set", line)]
    assert max(map(len, rows)) <= columns
    tables = [line.split() for line in shown if line.startswith(("layer", "parameter", "rnn."))]
    assert {word for line in tables for word in line} <= words
    chart = next(line.split() for line in shown if line.startswith(" lag"))
    assert ("step" in chart) == (columns > 40)
    explained = " ".join(" ".join(shown).split())
    assert ("step: ‖" in explained) == ("step" in chart)
    assert ("norm: of" in explained) == ("norm" in chart)
    columns_shown = {word for line in tables if line[0] in ("layer", "parameter") for word in line}
    for column in ("decay", "half-life", "update", "zeros", "s/n"):
        assert (f"{column}: " in explained) == (column in columns_shown)
    of_reach = " ".join(" ".join(line) for line in tables if line[0] == "layer")
    assert ("> N: " in explained) == (">" in of_reach)
    assert ("in brackets: " in explained) == ("(" in of_reach)


def test_the_legend_explains_neither_brackets_nor_limits_that_no_layer_has(capsys: pytest.CaptureFixture[str]) -> None:
    level = {"half_life_interval": None, "memory_1_percent": 5, "memory_interval": None}
    text = written(report(layer(powers(0.5, 8), **level)), "table", capsys)
    assert "decay: what each" in text
    assert "in brackets" not in text
    assert "> N" not in text


def test_two_bars_leave_a_narrow_chart_no_room_for_norms(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    own = powers(0.8, 64)
    one = layer(powers(0.9, 64), own_left_by_lag=own, own_gradient_norm_by_lag=own)
    shown = written(report(one), "table", capsys)
    assert line_of(shown, "lag")[1] == "left"
    assert "left: of dL_T/ds_(T−k), the gradient" in " ".join(shown.split())
