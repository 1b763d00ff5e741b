"""The windows that were forecast worst are those of the largest errors in units of their own series."""

import numpy as np
import pytest
from experiments import shaken, trainee_of

RANDOM = np.random.default_rng(3)
N, BURST = 60, slice(50, 53)
LARGE, SMALL, SAME = 1e4 + RANDOM.normal(0, 500, N), 10 + RANDOM.normal(0, 0.5, N), np.full(N, 3.0)
SMALL[BURST] += 20


def tables():
    """The three series as rows of a long table, as columns of one network each, and as columns of one network."""
    long = [f"{name},{k},{one[k]}" for name, one in zip("abc", (LARGE, SMALL, SAME), strict=True) for k in range(N)]
    wide = [f"{k},{LARGE[k]},{SMALL[k]},{SAME[k]}" for k in range(N)]
    several = {"time": "t", "target": ["a", "b", "c"]}
    return {
        "long": ("shop,t,b\n" + "\n".join(long) + "\n", {"id": "shop", "time": "t", "target": "b"}),
        "independent": ("t,a,b,c\n" + "\n".join(wide) + "\n", several | {"channels": "independent"}),
        "joint": ("t,a,b,c\n" + "\n".join(wide) + "\n", several | {"channels": "joint"}),
    }


@pytest.mark.parametrize("layout", tables())
def test_the_worst_windows_are_those_of_the_series_that_errs_most_for_its_own_differences(layout):
    text, keys = tables()[layout]
    data = {"context": 6, "horizon": 3, "season": 1, "residual": "last-value", "validation": 0.3} | keys
    trained = shaken(trainee_of(text.encode(), {"average": False, "seeds": 1}, {"decoder": "direct"}, **data), 0.01)
    trained.score()
    worst = trained.evaluate({}).charts()
    assert len(worst) == 3
    burst = worst[0]
    assert "b" in burst.title.split()
    assert set(SMALL[BURST].tolist()) & set(burst.actual)
    assert all("c" not in chart.title.split() for chart in worst)  # which has no unit
