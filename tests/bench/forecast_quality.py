"""The forecasts of quality.py: each writes its part of a public file as a CSV, trains by a config, and scores it.

Settings were chosen on the training parts only; the network's own figures decide, without any baseline beside it.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import rnncli

Figure = dict[str, Any]


def backtested(run: Path, data: dict[str, Any], model: dict[str, Any], training: dict[str, Any]) -> Figure:
    """The JSON of `evaluate` after training by this config, of the network alone unless that says otherwise."""
    config, training = run.with_suffix(".yaml"), {"average": False} | training
    config.write_text(json.dumps({"task": "forecast", "data": data, "model": model, "training": training}))
    rnncli("train", config, "-o", run, "-q")
    return json.loads(rnncli("evaluate", run, "-f", "json"))  # type: ignore[no-any-return]


def figures(report: Figure) -> dict[str, dict[str, float]]:
    """Every forecaster's figures by its name."""
    return {one["name"]: one for one in report["backtest"]["forecasters"]}


M4_MODEL = {"cell": "gru", "hidden_size": 128, "num_layers": 1, "decoder": "segments", "segment": 24, "dropout": 0.1}
M4_TRAINING = {
    "epochs": 15,
    "updates_per_epoch": 1000,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "loss": "mae",
    "clip_norm": 1.0,
}
M4_DATA = {
    "horizon": 48,
    "season": 24,
    "context": [168, 336],
    "scaling": ["mean", "standard"],
    "residual": "seasonal-naive",
}


M4 = {
    "data": {"validation": 0} | M4_DATA,
    "model": M4_MODEL,
    "training": M4_TRAINING | {"seeds": 4, "with_baseline": True},
}


def m4_hourly(settings: dict[str, Any], target: float) -> Callable[[Path, Path], Figure]:
    """OWA of one window of each series."""

    def score(data: Path, run: Path) -> Figure:
        files = {"path": str(data / "m4_hourly_train.csv"), "test": str(data / "m4_hourly_test.csv")}
        report = backtested(run, files | settings["data"], settings["model"], settings["training"])
        scores = {name: (owa(one), one["mase"]) for name, one in figures(report).items()}
        score, mase = scores["network"]
        return {
            "score": round(score, 4),
            "better": "lower",
            "floor": 0.554,
            "target": target,
            "passed": score <= target and mase <= 0.85,
            "mase": round(mase, 4),
            "owa": {name: round(one, 4) for name, (one, _) in scores.items()},
            "protocol": "M4 Hourly, 414 series, h = 48, one origin: OWA of the median of global networks; "
            f"MASE at most 0.85; {settings}; floor: two global ridges and seasonal naive",
        }

    return score


def owa(one: dict[str, float]) -> float:
    """As the M4 competition counts it, against Naive2 on Hourly."""
    return (one["smape"] / 18.383 + one["mase"] / 2.395) / 2


def etth1(
    columns: list[str] | None, horizon: int, target: float, floor: float, settings: dict[str, Any]
) -> Callable[[Path, Path], Figure]:
    """MSE of z-scored values on every window of the test part."""

    def score(data: Path, run: Path) -> Figure:
        table = run.with_name("etth1.csv")
        scaled_etth1(data / "ETTh1.csv", table, columns)
        files = {"path": str(table), "horizon": horizon, "season": 24, "validation": 2880, "test": 2880}
        report = backtested(run, files | settings["data"], settings["model"], settings["training"])
        mse = figures(report)["network"]["rmse"] ** 2
        return {
            "score": round(mse, 4),
            "better": "lower",
            "floor": floor,
            "target": target,
            "passed": mse <= target,
            "mae": round(figures(report)["network"]["mae"], 4),
            "coverage": report["backtest"]["coverage"],
            "protocol": f"ETTh1 {columns or 'all targets'}, h = {horizon}, rows 8640/2880/2880, z-score from the "
            f"training part, MSE over every window of the test part; {settings}",
        }

    return score


def scaled_etth1(source: Path, table: Path, columns: list[str] | None) -> None:
    """The first 14,400 rows, each column less its training mean, over its training deviation."""
    with source.open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))[:14400]
    names = columns or [name for name in rows[0] if name != "date"]
    made = {"date": [row["date"] for row in rows]}
    for name in names:
        values = [float(row[name]) for row in rows]
        mean = sum(values[:8640]) / 8640
        deviation = math.sqrt(sum((value - mean) ** 2 for value in values[:8640]) / 8640)
        made[name] = [repr((value - mean) / deviation) for value in values]
    write_csv(table, made)


def write_csv(table: Path, columns: dict[str, list[str]]) -> None:
    rows = zip(*columns.values(), strict=True)
    table.write_text("\n".join([",".join(columns), *map(",".join, rows), ""]), encoding="ascii")


ETTH1_M96: dict[str, Any] = {
    "data": {"channels": "independent", "context": [480, 720], "scaling": "standard", "residual": "last-value"},
    "model": {"cell": "gru", "hidden_size": 128, "num_layers": 1, "decoder": "segments", "segment": 48, "dropout": 0.5},
    "training": {"epochs": 4, "batch_size": 256, "learning_rate": 1e-3, "loss": "mae"},
}
ETTH1_OT: dict[str, Any] = {
    "data": {"context": 336, "scaling": "last-value", "residual": "last-value"},
    "model": {"cell": "gru", "hidden_size": 64, "num_layers": 1, "decoder": "segments", "segment": 24, "dropout": 0.3},
    "training": {"epochs": 4, "batch_size": 64, "learning_rate": 2e-3, "loss": "mse"},
}


def airline(data: Path, run: Path) -> Figure:
    files = {"path": str(data / "airline_passengers.csv"), "validation": 0, "test": 12, "horizon": 12}
    chosen = {
        "context": 24,
        "season": 12,
        "transform": "log",
        "scaling": "seasonal-error",
        "residual": "seasonal-naive",
    }
    model = {"cell": "gru", "hidden_size": 64, "num_layers": 1}
    training = {"epochs": 100, "batch_size": 16, "learning_rate": 1e-3, "loss": "mae", "seeds": 5}
    mae = {name: one["mae"] for name, one in figures(backtested(run, files | chosen, model, training)).items()}
    return {
        "score": round(mae["network"], 3),
        "better": "lower",
        "floor": round(mae["seasonal-growth"], 3),
        "target": 13.4,
        "passed": mae["network"] <= 13.4,
        "protocol": f"airline, MAE of the last 12 months from one origin, median of five seeds; {chosen}, {model}, "
        f"{training}; chosen on six origins in the training part; floor: seasonal naive times last year's growth",
    }


def mackey_glass(data: Path, run: Path) -> Figure:
    table = run.with_name("mackey_glass.csv")
    write_csv(table, {"x": [f"{value:.9f}" for value in mackey_glass_series(2500)]})
    files = {"path": str(table), "horizon": 15, "context": 64, "season": 1, "validation": 0.1, "test": 500}
    chosen = {"scaling": "none", "residual": "last-value"}
    model = {"cell": "gru", "hidden_size": 64, "num_layers": 1}
    training = {"epochs": 100, "batch_size": 32, "learning_rate": 3e-3, "loss": "mse"}
    backtested(run, files | chosen, model, training)
    rows = list(csv.DictReader(rnncli("evaluate", run, "-f", "csv").splitlines()))
    ahead = [row for row in rows if int(row["step"]) - int(row["cutoff"]) == 15]
    actual = [float(row["actual"]) for row in ahead]
    mean = sum(actual) / len(actual)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in actual) / len(actual))
    errors = {
        name: math.sqrt(sum((float(row[name]) - float(row["actual"])) ** 2 for row in ahead) / len(ahead)) / deviation
        for name in ("network", "last-value")
    }
    return {
        "score": round(errors["network"], 4),
        "better": "lower",
        "floor": 0.515,
        "target": 0.1,
        "passed": errors["network"] < 0.1,
        "last_value": round(errors["last-value"], 3),
        "protocol": "Mackey-Glass, tau = 17, RK4 with dt 0.1, one sample a unit, 500 burnt in, 2,000 to train on, "
        f"NRMSE 15 steps ahead over the next 500; {chosen}, {model}, {training}; floor: a linear autoregression",
    }


def mackey_glass_series(count: int, burn_in: int = 500, tau: int = 17, dt: float = 0.1) -> list[float]:
    """Runge-Kutta of the fourth order; between its grid points the delayed value is the mean of two."""
    each, lag = round(1 / dt), round(tau / dt)
    x, kept = [1.2] * (lag + 1), []

    def slope(now: float, then: float) -> float:
        return 0.2 * then / (1 + then**10) - 0.1 * now

    for step in range(1, (count + burn_in) * each + 1):
        now, then, after = x[-1], x[-1 - lag], x[-lag]
        k1 = slope(now, then)
        k2 = slope(now + dt / 2 * k1, (then + after) / 2)
        k3 = slope(now + dt / 2 * k2, (then + after) / 2)
        k4 = slope(now + dt * k3, after)
        x.append(now + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        if step % each == 0:
            kept.append(x[-1])
    return kept[burn_in:]


def exchange_rate(data: Path, run: Path) -> Figure:
    table = run.with_name("exchange.csv")
    with gzip.open(data / "exchange_rate.txt.gz", "rt", encoding="ascii") as file:
        rows = [line.strip().split(",") for line in file if line.strip()]
    write_csv(table, {f"rate{c + 1}": [row[c] for row in rows] for c in range(8)})
    files = {"path": str(table), "channels": "independent", "horizon": 30, "season": 5, "validation": 150, "test": 30}
    report = backtested(run, files | EXCHANGE["data"], EXCHANGE["model"], EXCHANGE["training"])
    mase = {name: one["mase"] for name, one in figures(report).items()}
    said = figures(report)["seasonal-naive"]["verdict"]
    target = round(1.05 * mase["seasonal-naive"], 4)
    return {
        "score": round(mase["network"], 4),
        "better": "lower",
        "floor": round(mase["seasonal-naive"], 4),
        "target": target,
        "passed": mase["network"] <= target and said.startswith("cannot tell"),
        "said": said,
        "protocol": f"exchange_rate, 8 series, the last 30 rows, m = 5, MASE; {EXCHANGE}; the command must say that "
        "it cannot tell whether the network is better than seasonal naive",
    }


# By the one-standard-error rule (Breiman et al., 1984): of networks that rolling origins in the training part cannot
# tell apart, the one that departs least from its baseline.
EXCHANGE: dict[str, Any] = {
    "data": {"context": 20, "scaling": "last-value", "residual": "seasonal-naive"},
    "model": {"cell": "gru", "hidden_size": 8, "num_layers": 1},
    "training": {"epochs": 1, "batch_size": 64, "learning_rate": 1e-4, "loss": "mae"},
}


def coverage(data: Path, run: Path) -> Figure:
    """Intervals calibrated on the validation part, tested on the test part."""
    table = run.with_name("etth1.csv")
    scaled_etth1(data / "ETTh1.csv", table, None)
    ett = {"path": str(table), "horizon": 96, "season": 24, "validation": 2880, "test": 2880}
    m4 = {"path": str(data / "m4_hourly_train.csv"), "test": str(data / "m4_hourly_test.csv"), "validation": 48}
    reports = {
        "etth1": backtested(
            run.with_name("etth1"), ett | ETTH1_M96["data"], ETTH1_M96["model"], ETTH1_M96["training"] | {"seeds": 2}
        ),
        "m4-hourly": backtested(
            run.with_name("m4"), m4 | M4_DATA | {"context": 168, "scaling": "mean"}, M4_MODEL, M4_TRAINING
        ),
    }
    got = {
        name: {level: round(one["got"], 2) for level, one in report["backtest"]["coverage"].items()}
        for name, report in reports.items()
    }
    worst = max(abs(one["80"] - 80) for one in got.values())
    return {
        "score": round(worst, 2),
        "better": "lower",
        "floor": None,
        "target": 4,
        "passed": all(76 <= one["80"] <= 84 and 92 <= one["95"] <= 98 for one in got.values()),
        "covered": got,
        "protocol": "share of the test part's values in intervals of 80% and 95% that were calibrated on the "
        "validation part; passed within 76 to 84 and 92 to 98; the score is how far 80% is missed, in points",
    }


ANOMALIES = ("2014-11-02", "2014-11-27", "2014-12-25", "2015-01-01", "2015-01-27")
TAXI = {
    "data": {
        "horizon": 48,
        "context": 336,
        "season": 48,
        "scaling": "standard",
        "residual": "last-value",
        "validation": 0.2,
    },
    "model": {"cell": "gru", "hidden_size": 64, "num_layers": 1, "decoder": "segments", "segment": 48, "dropout": 0.2},
    "training": {"epochs": 40, "batch_size": 32, "learning_rate": 2e-3, "loss": "mae"},
}


def nyc_taxi(data: Path, run: Path) -> Figure:
    header, *rows = (data / "nyc_taxi.csv").read_text(encoding="ascii").split("\n")
    rows = [row for row in rows if row]
    parts = {"past": rows[: len(rows) // 5], "stream": rows[len(rows) // 5 :]}
    files = {part: run.with_name(f"{part}.csv") for part in parts}
    for part, kept in parts.items():
        files[part].write_text("\n".join([header, *kept, ""]), encoding="ascii")
    config = run.with_suffix(".yaml")
    config.write_text(json.dumps({"task": "forecast", **TAXI, "data": TAXI["data"] | {"path": str(files["past"])}}))
    rnncli("train", config, "-o", run, "-q")
    followed = rnncli("predict", run, "-", "--follow", "--network", stdin=files["stream"])
    days: dict[str, float] = {}
    for row in csv.DictReader(followed.splitlines()):
        if row["score"]:
            day = row["timestamp"][:10]
            days[day] = max(days.get(day, 0.0), float(row["score"]))
    highest = sorted(days, key=lambda day: -days[day])[:10]
    found = [day for day in ANOMALIES if any(other in highest for other in around(day))]
    return {
        "score": len(found),
        "better": "higher",
        "floor": 0,
        "target": 5,
        "passed": len(found) == 5,
        "days": highest,
        "protocol": f"nyc_taxi, trained on the first 20%, the rest followed as a stream; {TAXI}; how many of "
        f"{ANOMALIES} lie within a day of one of the ten days with the highest scores",
    }


def around(day: str) -> list[str]:
    """The day before, the day itself, the day after."""
    middle = datetime.date.fromisoformat(day)
    return [(middle + datetime.timedelta(days=k)).isoformat() for k in (-1, 0, 1)]


DEFAULT: dict[str, Any] = {"model": {}, "training": {"average": True}}


def with_seeds(settings: dict[str, Any], seeds: int) -> dict[str, Any]:
    return {**settings, "training": {**settings["training"], "seeds": seeds}}


FORECASTS: dict[str, Callable[[Path, Path], Figure]] = {
    "m4-hourly": m4_hourly(M4, 0.48),
    "m4-hourly-default": m4_hourly({"data": {"horizon": 48}, **DEFAULT}, 0.43),
    "etth1-default": etth1(None, 96, 0.375, 0.512, {"data": {}, **DEFAULT}),
    "etth1-m96": etth1(None, 96, 0.375, 0.512, with_seeds(ETTH1_M96, 6)),
    "etth1-ot24": etth1(["OT"], 24, 0.027, 0.034, with_seeds(ETTH1_OT, 3)),
    "airline-12": airline,
    "mackey-glass": mackey_glass,
    "exchange-rate": exchange_rate,
    "coverage": coverage,
    "nyc-taxi": nyc_taxi,
}
