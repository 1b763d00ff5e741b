"""Forecasts of sums and of leaves, made to add up: minimum trace reconciliation (MinT; Wickramasuriya, Athanasopoulos
and Hyndman, 2019) with a shrunk covariance, or sums of the leaves' forecasts (bottom-up).

Of forecasts ŷ (S,), sums first, the gaps are d = U′ŷ, with U′ = [I −A] and A (m, n) the aggregation. With W
(S, S) the covariance of the errors of ŷ, MinT adjusts ŷ to ŷ − W·U·(U′·W·U)⁻¹·d, the coherent forecasts of least
error variance, which equals S·(S′·W⁻¹·S)⁻¹·S′·W⁻¹·ŷ, S being [A′ I]′. To leaves it adds the gaps times a matrix of
gains (n, m), and their sums are summed anew. Bottom-up has gains of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.typed import array
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.members import Member
from rnncli.tasks.forecast.windows import TRANSFORMS

_FOLDS = 4
_LEAST_SHARE = 1e-3
_FLAT = 1e-8  # of the mean variance, at least, is that of a series: one that was forecast without an error has none


@dataclass(frozen=True)
class Reconciliation:
    """A linear map of forecasts to forecasts that add up: gains (C, n, m), None for bottom-up. least: the lowest value
    that is possible; leaves below it are raised to it before they are summed (Di Fonzo and Girolimetto, 2023)."""

    hierarchy: Hierarchy
    gains: np.ndarray | None = None
    least: float = -np.inf

    def __call__(self, forecasts: np.ndarray) -> np.ndarray:
        """Return forecasts (…, S, C) that add up."""
        leaves = forecasts[..., self.hierarchy.sums :, :]
        if self.gains is not None:
            leaves = leaves + np.einsum("cnm,...mc->...nc", self.gains, self.hierarchy.gaps(forecasts))
        return self.hierarchy.summed(np.maximum(leaves, self.least))

    def of(self, hierarchy: Hierarchy, places: np.ndarray) -> Reconciliation:
        """Return the same of these series in another order: places (S,) in `hierarchy` that each has here."""
        m = hierarchy.sums
        gains = None if self.gains is None else self.gains[:, places[m:] - m][:, :, places[:m]]
        return replace(self, hierarchy=hierarchy, gains=gains)

    def to_header(self) -> dict[str, Any]:
        """Return the gains as JSON for a model file."""
        return {"gains": None if self.gains is None else self.gains.tolist()}

    def restored(self, header: Mapping[str, Any]) -> Reconciliation:
        """Return a copy with the gains that `to_header` wrote; ValueError if they are of other series."""
        if header["gains"] is None:
            return replace(self, gains=None)
        gains = array(header["gains"], "gains", None, None, None)
        if gains.shape[1:] != self.hierarchy.aggregation.T.shape:
            raise ValueError("its gains are not of the hierarchy that it has")
        return replace(self, gains=gains)


def fitted(errors: np.ndarray, hierarchy: Hierarchy, least: float) -> Reconciliation:
    """Fit MinT to the errors (H, T, S, C) of H steps from T origins, NaN where not known, all steps alike; bottom-up
    where those of fewer than two origins are known."""
    known = ~np.isnan(errors).any(axis=2)  # (H, T, C)
    # The errors of one origin go together: they count for one.
    counts = known.any(axis=0).sum(axis=0)
    if counts.min() < 2:
        return Reconciliation(hierarchy, None, least)
    each = [gains(errors[known[..., c], :, c], hierarchy.aggregation, int(count)) for c, count in enumerate(counts)]
    return Reconciliation(hierarchy, np.stack(each), least)


def by_series(windows: np.ndarray, S: int) -> np.ndarray:
    """Return windows (H, S·T, C), those of each series in turn, as (H, T, S, C)."""
    H, W, C = windows.shape
    return windows.reshape(H, S, W // S, C).swapaxes(1, 2)


def by_window(values: np.ndarray) -> np.ndarray:
    """The inverse of `by_series`."""
    H, T, S, C = values.shape
    return values.swapaxes(1, 2).reshape(H, S * T, C)


def lowest(member: Member) -> float:
    """Return the lowest value that a forecast of this network can be."""
    windowing = member.windowing
    zero = 0.0 if windowing.non_negative or not member.loss.signed else -np.inf
    return max(zero, TRANSFORMS[windowing.transform].least)


def cross_fitted(forecasts: np.ndarray, actual: np.ndarray, hierarchy: Hierarchy, least: float) -> np.ndarray:
    """Return forecasts (H, T, S, C) from T origins, each reconciled by MinT as the errors of the others say: its errors
    are those of forecasts that it was not fitted to."""
    made = np.empty_like(forecasts)
    for held in np.array_split(np.arange(forecasts.shape[1]), _FOLDS):
        errors = np.delete(actual - forecasts, held, axis=1)
        made[:, held] = fitted(errors, hierarchy, least)(forecasts[:, held])
    return made


def gains(errors: np.ndarray, aggregation: np.ndarray, independent: int) -> np.ndarray:
    """Return the gains (n, m) of MinT from errors (T, S) of S = m + n series, and the aggregation (m, n).

    independent: how many of the T errors are. W·U is computed without W, whose S·S numbers would be many.
    """
    T, m = len(errors), len(aggregation)
    variances = (errors * errors).mean(axis=0)
    variances = np.maximum(variances, _FLAT * variances.mean() or 1.0)
    share = shrinkage(errors / np.sqrt(variances), independent)
    across = np.concatenate([np.eye(m), -aggregation.T])  # U (S, m)
    wu = (share * variances)[:, None] * across + (1 - share) / T * (errors.T @ (errors @ across))
    return -np.linalg.solve(across.T @ wu, wu[m:].T).T


def shrinkage(z: np.ndarray, independent: int) -> float:
    """Return the share of the diagonal in the covariance, from errors z (T, S) of variance 1: Σ Var(r_ij) / Σ r_ij²
    over i ≠ j, r being correlations (Schäfer and Strimmer, 2005), as sure as so many independent errors make them.

    It is above 0, so that the covariance has an inverse where series are alike, such as a region and its only shop.
    """
    T, squares = len(z), z * z
    products = z.T @ z if z.shape[1] < T else z @ z.T  # the same sum of squares
    correlations = float(((products / T) ** 2).sum() - (squares.mean(axis=0) ** 2).sum())
    fourth = float((squares.sum(axis=1) ** 2).sum() - (squares * squares).sum())
    variance = (fourth / T - correlations) / (independent - 1)
    return float(np.clip(variance / correlations, _LEAST_SHARE, 1.0)) if correlations > 0 else 1.0
