"""Makes the recordings of sample_data by rule: names written with a pen, and digits spoken by two resonators."""

import io
import itertools
import math
import random
import wave


def _split(words):
    return words.split()


# A letter is its strokes on a grid, x to the right and y up, from the base line 0 to the middle line 4.
FONT = {
    "a": ["42 44 04 00 40", "44 40"],
    "c": ["44 04 00 40"],
    "d": ["44 04 00 40", "48 40"],
    "e": ["02 42 44 04 00 40"],
    "h": ["08 00", "04 34 40"],
    "i": ["04 00", "06 07"],
    "l": ["08 00 20"],
    "n": ["04 00", "04 34 40"],
    "o": ["04 00 40 44 04"],
    "r": ["04 00", "03 24 44"],
    "s": ["44 04 03 32 31 00"],
    "t": ["08 00 20", "05 35"],
    "u": ["04 01 10 40", "44 40"],
}
SYLLABLES = _split("ta len ro chi sou dal ner tis ho cul ed an ire lu ost")


def _along(points, gap, source):
    """Points along a line through `points`, about `gap` apart, a little off it."""
    found = [points[0]]
    for (x, y), (u, v) in itertools.pairwise(points):
        count = max(1, round(math.hypot(u - x, v - y) / gap))
        found += [(x + (u - x) * k / count, y + (v - y) * k / count) for k in range(1, count + 1)]
    return [(x + source.gauss(0, 0.12), y + source.gauss(0, 0.12)) for x, y in found]


def _written(word, source):
    """The movements of a pen that writes a word, in tenths of the grid, and whether it touches the paper."""
    size, slant, gap = source.uniform(0.8, 1.2), source.uniform(-0.1, 0.4), source.uniform(1.6, 2.4)
    at, left, steps = (0.0, 0.0), 0.0, []
    for letter in word:
        for stroke in FONT[letter]:
            corners = [(left + int(x) + slant * int(y), int(y)) for x, y in stroke.split()]
            for k, (x, y) in enumerate(_along(corners, gap, source)):
                steps.append((round(10 * size * (x - at[0])), round(10 * size * (y - at[1])), int(k > 0)))
                at = x, y
        left += source.uniform(5.2, 6.2)
    return steps


def words(count=280, seed=9):
    """Invented names that were written with a pen: a row for each movement."""
    source = random.Random(seed)
    lines = ["id,text,dx,dy,down"]
    for number in range(count):
        word = "".join(source.choices(SYLLABLES, k=source.choice([1, 2, 2, 3])))
        lines += [f"{number},{word},{dx},{dy},{down}" for dx, dy, down in _written(word, source)]
    return "\n".join(lines) + "\n"


# A digit is its sounds: duration in ms, the first two formants in Hz where it begins and where it ends, voice, noise.
SOUNDS = {
    "s": (70, (1500, 3200), (1500, 3200), 0.0, 0.5),
    "f": (60, (1200, 2400), (1200, 2400), 0.0, 0.25),
    "t": (30, (1800, 3000), (1800, 3000), 0.0, 0.4),
    "w": (40, (300, 700), (450, 1000), 0.6, 0.0),
    "r": (50, (350, 1100), (450, 1300), 0.6, 0.0),
    "n": (60, (280, 1500), (280, 1500), 0.4, 0.0),
    "v": (40, (250, 1300), (250, 1300), 0.4, 0.1),
    "k": (30, (1500, 2200), (1500, 2200), 0.0, 0.4),
    "i": (90, (300, 2250), (300, 2250), 1.0, 0.0),
    "e": (90, (530, 1850), (530, 1850), 1.0, 0.0),
    "u": (90, (310, 900), (310, 900), 1.0, 0.0),
    "o": (100, (550, 950), (380, 800), 1.0, 0.0),
    "a": (100, (700, 1200), (700, 1200), 1.0, 0.0),
    "y": (130, (700, 1200), (350, 2100), 1.0, 0.0),
}
DIGITS = ["siro", "wan", "tu", "sri", "for", "fyv", "siks", "sevn", "et", "nyn"]
RATE = 8000  # samples a second


def _spoken(sounds, pitch, pace, source):
    """Samples of a word: pulses and noise through two resonators (Klatt, 1980)."""
    samples, phase = [], 0.0
    memory = [[0.0, 0.0], [0.0, 0.0]]
    for name in sounds:
        duration, first, last, voice, noise = SOUNDS[name]
        count = int(RATE * duration * pace / 1000)
        for n in range(count):
            share = n / count
            phase += pitch * (1 - 0.1 * share) / RATE
            pulse = voice if phase >= 1 else 0.0
            phase %= 1
            value = pulse + 0.06 * noise * source.gauss(0, 1)
            for k, width in ((0, 80), (1, 120)):
                frequency = first[k] + (last[k] - first[k]) * share
                radius = math.exp(-math.pi * width / RATE)
                a, b = 2 * radius * math.cos(2 * math.pi * frequency / RATE), -radius * radius
                value = (1 - a - b) * value + a * memory[k][0] + b * memory[k][1]
                memory[k] = [value, memory[k][0]]
            samples.append(value * min(1, 20 * share, 20 * (1 - share)))
    return samples


def spoken(digits, seed):
    """A WAV, 8 bits at 8 kHz, in which a voice says these digits."""
    source = random.Random(seed)
    pitch, pace = source.uniform(90, 160), source.uniform(0.55, 0.75)
    samples = [0.0] * int(RATE * source.uniform(0.02, 0.06))
    for digit in digits:
        samples += _spoken(DIGITS[int(digit)], pitch * source.uniform(0.95, 1.05), pace, source)
        samples += [0.0] * int(RATE * source.uniform(0.0, 0.06))
    loudest = max(map(abs, samples))
    levels = [round(128 + 100 * value / loudest + source.gauss(0, 0.7)) for value in samples]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 1, RATE, 0, "NONE", ""))
        file.writeframes(bytes(min(max(level, 0), 255) for level in levels))
    return out.getvalue()


def strings(count=90, seed=4):
    """Names of recordings and the digits that are said in each."""
    source = random.Random(seed)
    return {f"{k:02}.wav": "".join(source.choices("0123456789", k=source.randint(1, 4))) for k in range(count)}


def manifest():
    return "path,text\n" + "".join(f"{name},{digits}\n" for name, digits in strings().items())


def recordings():
    """The files of sample_data/spoken by name."""
    files = {name: spoken(digits, seed) for seed, (name, digits) in enumerate(strings().items())}
    return files | {"spoken.csv": manifest().encode()}


MADE = {"words.csv": words}
