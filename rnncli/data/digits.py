"""How many digits a number is written with: as many as its series needs, and what came in as it came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.written import Written

_OF_A_STEP = 4  # significant digits of the typical step of a series
_EXACT = 15  # significant digits that a double holds for sure
_WHOLE = 2.0**53  # below it a double tells whole numbers apart
_SEEN = 1000  # values tell how many decimals a series has
_LONGEST = 12  # decimals, before a power of ten is shorter


@dataclass(frozen=True)
class Digits:
    """Decimals of the numbers of a series: `most` of them, and the `least` that its values have."""

    least: int
    most: int

    @classmethod
    def of(cls, values: np.ndarray) -> Digits:
        """Return the decimals for forecasts of a series of values (N,): four significant digits of its median step, and
        no fewer than its values have."""
        values = values[np.isfinite(values)]
        steps = np.abs(np.diff(values))
        steps = steps[steps > 0]
        sample = values[:: max(1, len(values) // _SEEN)]
        given = max((_decimals(value) for value in sample.tolist()), default=0)
        of_step = _OF_A_STEP - 1 - int(np.floor(np.log10(np.median(steps)))) if steps.size else 0
        if steps.size and given > of_step + _OF_A_STEP:
            given = 0  # means, or the rounding of a computer, and not what was measured
        highest = float(np.abs(values).max(initial=0))
        exact = _EXACT - 1 - int(np.floor(np.log10(highest))) if highest > 0 else _EXACT
        return cls(min(given, max(exact, 0)), max(0, min(max(given, of_step), exact)))

    def number(self, value: float) -> Written:
        """Return a forecast of the series as it is written."""
        return Written(value, self.least if self.least <= _LONGEST else 0, self.most)


def rounded_like(sums: np.ndarray, addends: np.ndarray) -> np.ndarray:
    """Return sums (n, ...) rounded to the decimals that all the addends (m, ...) have, column by column: 0.1 + 0.2 is
    0.3, as on paper. Sums of what has no few decimals, or of more digits than a double holds, stay as they are."""
    made = np.array(sums, order="C")
    for column, added in zip(made.reshape(len(made), -1).T, addends.reshape(len(addends), -1).T, strict=True):
        known = added[np.isfinite(added)]
        decimals = next((d for d in range(_LONGEST + 1) if np.array_equal(np.round(known, d), known)), None)
        if decimals is not None:
            exact = np.abs(column) < _WHOLE / 10.0**decimals
            column[exact] = np.round(column[exact], decimals)
    return made


def decimals_of(text: str, decimal: str = ".") -> int:
    """Return the number of decimals of a number as it is written, 0 with a power of ten."""
    decimals = text.strip().partition(decimal)[2]
    return len(decimals) if decimals.isdecimal() else 0


def _decimals(value: float) -> int:
    digits, _, power = repr(value).partition("e")
    decimals = len(digits.partition(".")[2].rstrip("0"))
    return max(0, decimals - int(power)) if power else decimals
