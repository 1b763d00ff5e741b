"""Forty random processes whose futures are known, for tests of intervals: each is drawn anew from a generator."""

from collections.abc import Callable

import numpy as np

Random = np.random.Generator
Process = Callable[[Random, int], np.ndarray]

SEASON = 12


def autoregression(*phi: float, freedom: float | None = None, level: float = 0.0) -> Process:
    def draw(random: Random, n: int) -> np.ndarray:
        noise = random.normal(size=n + 200) if freedom is None else random.standard_t(freedom, n + 200)
        y = np.zeros(n + 200)
        for t in range(len(phi), n + 200):
            y[t] = noise[t] + sum(weight * y[t - 1 - k] for k, weight in enumerate(phi))
        return level + y[200:]

    return draw


def moving_average(*theta: float) -> Process:
    def draw(random: Random, n: int) -> np.ndarray:
        noise = random.normal(size=n + len(theta))
        return np.convolve(noise, [1.0, *theta], mode="valid")

    return draw


def walk(drift: float = 0.0, freedom: float | None = None, observed: float = 0.0) -> Process:
    def draw(random: Random, n: int) -> np.ndarray:
        steps = random.normal(size=n) if freedom is None else random.standard_t(freedom, n)
        return 100 + np.cumsum(drift + steps) + observed * random.normal(size=n)

    return draw


def seasonal(size: float, noise: Process, slope: float = 0.0, second: float = 0.0) -> Process:
    def draw(random: Random, n: int) -> np.ndarray:
        t = np.arange(n)
        wave = np.sin(2 * np.pi * t / SEASON) + second * np.cos(4 * np.pi * t / SEASON)
        return 50 + size * wave + slope * t + noise(random, n)

    return draw


def trend(slope: float, noise: Process) -> Process:
    return lambda random, n: 20 + slope * np.arange(n) + noise(random, n)


def growing(noise: float, size: float) -> Process:
    """A season and noise in proportion to a level that grows."""

    def draw(random: Random, n: int) -> np.ndarray:
        t = np.arange(n)
        return 100 * np.exp(0.001 * t + size * np.sin(2 * np.pi * t / SEASON) + noise * random.normal(size=n))

    return draw


def counts(rate: float, size: float = 0.0, shape: float | None = None) -> Process:
    """Poisson counts, or negative binomial ones of this shape, with a season in their rate."""

    def draw(random: Random, n: int) -> np.ndarray:
        mean = rate * np.exp(size * np.sin(2 * np.pi * np.arange(n) / SEASON))
        if shape is not None:
            mean = random.gamma(shape, mean / shape)
        return random.poisson(mean).astype(float)

    return draw


def busy_and_calm(size: float) -> Process:
    """Noise whose size has a season."""
    return lambda random, n: random.normal(size=n) * np.exp(size * np.sin(2 * np.pi * np.arange(n) / SEASON))


NOISE = autoregression()
GENERATORS: dict[str, Process] = {
    "noise": NOISE,
    "noise t5": autoregression(freedom=5),
    "ar .3": autoregression(0.3),
    "ar .6": autoregression(0.6),
    "ar .8": autoregression(0.8),
    "ar .9": autoregression(0.9),
    "ar -.6": autoregression(-0.6),
    "ar .7 t5": autoregression(0.7, freedom=5),
    "ar2 cycle": autoregression(1.4, -0.7),
    "ar2 slow": autoregression(0.5, 0.3),
    "ar2 level": autoregression(0.6, 0.2, level=30),
    "ma .8": moving_average(0.8),
    "ma two": moving_average(0.6, 0.4),
    "walk": walk(),
    "walk drift .2": walk(0.2),
    "walk drift .5": walk(0.5),
    "walk t5": walk(freedom=5),
    "walk observed": walk(observed=2.0),
    "season 1": seasonal(1, NOISE),
    "season 3": seasonal(3, NOISE),
    "season 10": seasonal(10, NOISE),
    "season two": seasonal(4, NOISE, second=0.5),
    "season t5": seasonal(4, autoregression(freedom=5)),
    "season ar .5": seasonal(4, autoregression(0.5)),
    "season ar .8": seasonal(4, autoregression(0.8)),
    "season trend": seasonal(4, NOISE, slope=0.02),
    "season trend ar": seasonal(4, autoregression(0.5), slope=0.05),
    "season busy": seasonal(5, busy_and_calm(0.5)),
    "season walk": seasonal(5, walk()),
    "trend .01": trend(0.01, NOISE),
    "trend .1": trend(0.1, NOISE),
    "trend ar .5": trend(0.05, autoregression(0.5)),
    "trend t5": trend(0.05, autoregression(freedom=5)),
    "growth": growing(0.05, 0.2),
    "growth noisy": growing(0.15, 0.1),
    "counts 2": counts(2),
    "counts 8": counts(8),
    "counts season": counts(10, size=0.5),
    "counts wild": counts(10, shape=3),
    "counts season wild": counts(15, size=0.4, shape=5),
}
