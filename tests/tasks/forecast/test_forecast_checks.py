"""Checks that end in exit code 7: what passes, what fails, what is no rule."""

import math
import re
from dataclasses import replace

import pytest

from rnncli.errors import CheckFailedError, UsageError
from rnncli.notes import Doubt, noting
from rnncli.tasks.forecast.report import check, require_baselines, require_rule
from rnncli.tasks.forecast.reports import BacktestReport, Covered, Judged


def report(network=0.8, theta=0.9, mae=3.0, verdict="better"):
    forecasters = (
        Judged("network", mae, 4.0, 12.5, network, 0.7, owa=0.6),
        Judged("theta", 3.5, 4.0, 13.0, theta, 0.9, 0.9, verdict),
    )
    covered = Covered(80.0, 77.0, 36, 1, 4, 2.0), Covered(95.0, 97.0, 36, 1, 4, 3.0)
    return BacktestReport("test", 9, 1, 4, 1, 6, forecasters, 0.02, covered)


@pytest.mark.parametrize(
    "rule",
    ["mase > 1", "MASE>=1", "smape > 12.6", "owa > 0.6", "rmse < 4", "wql > 2e-1", "coverage_80 < 0.77", "mae > .5e1"],
)
def test_a_rule_that_does_not_hold_passes(rule):
    check(report(), [], [rule])


@pytest.mark.parametrize(
    "rule", ["mase < 1", "mase<=0.8", "mae >= 3", "coverage_80 < 0.78", "coverage_95 > .9", "OWA >= 0.6"]
)
def test_a_rule_that_holds_fails(rule):
    with pytest.raises(CheckFailedError, match="--fail-if"):
        check(report(), [], [rule])


IN_SAMPLE = ", of intervals made from these rows, of which they hold about what they promise"


@pytest.mark.parametrize(("rule", "passing"), [("coverage_80 < 0.78", "coverage_80 > 1"), ("wql > 0", "wql > 1")])
def test_a_rule_that_judges_intervals_by_the_rows_that_they_were_made_from_says_so(rule, passing):
    """Whether it holds or not; figures of others are silent."""
    fresh = report()
    made = replace(fresh, wql_in_sample=True, coverage=tuple(replace(one, in_sample=True) for one in fresh.coverage))
    with pytest.raises(CheckFailedError) as caught:
        check(made, [], [rule])
    assert str(caught.value).endswith(IN_SAMPLE)
    doubts = []
    with noting(doubts.append):
        check(made, [], [passing, "mase > 1"])
        check(fresh, [], [passing])
    (told,) = doubts
    assert IN_SAMPLE in told
    assert isinstance(told, Doubt)
    with pytest.raises(CheckFailedError) as caught:
        check(fresh, [], [rule])
    assert "made from" not in str(caught.value)


def test_a_coverage_is_that_of_all_rows_ahead():
    further = (Covered(80.0, 99.0, 9, 1, 2, 2.0), Covered(80.0, 10.0, 9, 3, 4, 3.0))
    ranges = replace(report(), coverage=(*report().coverage, *further))
    with pytest.raises(CheckFailedError, match=r"coverage_80 is 0\.77$"):
        check(ranges, [], ["coverage_80 < 0.78"])


@pytest.mark.parametrize("verdict", ["worse", "cannot tell", "cannot tell, 4 groups"])
def test_a_baseline_must_be_beaten_for_sure_whatever_the_figures(verdict):
    check(report(), ["theta"], [])
    check(report(network=1.0), ["theta"], [])
    with pytest.raises(CheckFailedError) as caught:
        check(report(verdict=verdict), ["theta"], [])
    figures = f"{verdict} (MASE of the network 0.8, of theta 0.9)"
    assert str(caught.value) == f"--must-beat theta: the network is not shown to be better: {figures}"


def test_series_without_a_scale_are_compared_in_their_own_units():
    check(report(math.nan, math.nan), ["theta"], [])
    with pytest.raises(CheckFailedError, match=r"worse \(MAE of the network 3\.6, of theta 3\.5\)"):
        check(report(math.nan, math.nan, mae=3.6, verdict="worse"), ["theta"], [])
    with pytest.raises(CheckFailedError, match="mase is nan"):
        check(report(math.nan, math.nan), [], ["mase > 1"])


def test_all_that_failed_is_said_at_once():
    with pytest.raises(CheckFailedError) as caught:
        check(report(), [], ["mase < 1", "mae > 2", "rmse > 9"])
    assert str(caught.value).count("--fail-if") == 2


@pytest.mark.parametrize("rule", ["mase", "mase !! 3", "mase > 1.2.3", "mase > .", "speed > 1", "> 1", ""])
def test_what_is_no_rule(rule):
    with pytest.raises(UsageError, match="write METRIC > NUMBER"):
        require_rule(rule)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("coverage_80<90", "; did you mean 0.9?"),
        ("COVERAGE_95 < 92.5", "; did you mean 0.925?"),
        ("coverage_80 > -1", ""),
    ],
)
def test_a_coverage_is_a_share(rule, hint):
    with pytest.raises(UsageError, match=rf"coverage is a share from 0 to 1{re.escape(hint)}$"):
        require_rule(rule)


def test_what_this_backtest_does_not_have():
    with pytest.raises(UsageError, match="no coverage_42; it has coverage_80, coverage_95, wql"):
        check(report(), [], ["coverage_42 < 1"])


def test_a_baseline_that_cannot_exist_is_refused_with_those_that_can():
    require_baselines(["theta", "drift", "last-value"], 1)
    require_baselines(["seasonal-growth"], 12)
    there = "name one of last-value, drift, theta"
    with pytest.raises(UsageError, match=f"--must-beat seasonal-naive: these series have no season; {there}, or set"):
        require_baselines(["theta", "seasonal-naive"], 1)
    with pytest.raises(UsageError, match="--must-beat thea: is no baseline of a forecast; did you mean"):
        require_baselines(["thea"], 1)
    with pytest.raises(UsageError, match=f"--must-beat network: is no baseline of a forecast; {there}"):
        require_baselines(["network"], 1)
