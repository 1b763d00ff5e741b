"""Makes the labelled sequences of sample_data by rule: DNA with a motif, pen strokes, points, sums, digits."""

import math
import random

MOTIF = "TATAAT"
SHAPES = ("circle", "square", "triangle", "zigzag")


def motifs(count=1500, seed=7):
    """Half of the sequences hold the motif, one letter of it changed as often as not; the others hold its letters in
    another order, so that no letter is rarer in them."""
    source = random.Random(seed)
    lines = ["label,sequence"]
    for number in range(count):
        letters = [source.choice("ACGT") for _ in range(source.randint(30, 60))]
        box = list(MOTIF)
        if number % 2:
            while "".join(box) == MOTIF or sum(a != b for a, b in zip(box, MOTIF, strict=True)) < 3:
                source.shuffle(box)
        elif source.random() < 0.5:
            box[source.randrange(len(box))] = source.choice("ACGT")
        start = source.randint(0, len(letters) - len(box))
        letters[start : start + len(box)] = box
        lines.append(f"{'other' if number % 2 else 'motif'},{''.join(letters)}")
    return "\n".join(lines) + "\n"


def strokes(count=480, seed=8):
    """Pen movements along a shape: any size, start and direction, turned by up to 20 degrees, with a shaking hand."""
    source = random.Random(seed)
    lines = ["stroke,dx,dy,shape"]
    for number in range(count):
        shape = SHAPES[number % len(SHAPES)]
        steps, size, turn = source.randint(12, 24), source.uniform(0.5, 2.0), source.uniform(-0.35, 0.35)
        start, way = source.random(), source.choice((-1, 1))
        points = [_outline(shape, start + way * i / steps) for i in range(steps + 1)]
        for (x, y), (u, v) in zip(points[1:], points, strict=False):
            dx = size * (x - u) + source.gauss(0, 0.03)
            dy = size * (y - v) + source.gauss(0, 0.03)
            turned = dx * math.cos(turn) - dy * math.sin(turn), dx * math.sin(turn) + dy * math.cos(turn)
            lines.append(f"{number + 1},{turned[0]:.3f},{turned[1]:.3f},{shape}")
    return "\n".join(lines) + "\n"


def _outline(shape, place):
    """The point of a shape of about unit size at this share of its length; zigzag is four lines, there and back."""
    if shape == "circle":
        return math.cos(2 * math.pi * place) / 2, math.sin(2 * math.pi * place) / 2
    corners = {
        "square": [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)],
        "triangle": [(-0.5, -0.43), (0.5, -0.43), (0.0, 0.43)],
        "zigzag": [(-0.5, -0.3), (-0.17, 0.3), (0.17, -0.3), (0.5, 0.3)],
    }[shape]
    position = place % 1 * len(corners)
    i, share = int(position), position % 1
    (x, y), (u, v) = corners[i % len(corners)], corners[(i + 1) % len(corners)]
    return x + share * (u - x), y + share * (v - y)


def ring(count=800, seed=9):
    """Points of a square; those between two circles are on the ring, but one label in ten is wrong."""
    source = random.Random(seed)
    lines = ["point,x,y,place"]
    for number in range(count):
        x, y = source.uniform(-1, 1), source.uniform(-1, 1)
        on = (0.45 < math.hypot(x, y) < 0.9) != (source.random() < 0.1)
        lines.append(f"{number + 1},{x:.3f},{y:.3f},{'ring' if on else 'off'}")
    return "\n".join(lines) + "\n"


def sums(count=3000, seed=10):
    """Sums of two to five numbers of one digit, and what they make."""
    source = random.Random(seed)
    lines = ["sum,total"]
    for _ in range(count):
        digits = [source.randint(0, 9) for _ in range(source.randint(2, 5))]
        lines.append(f"{'+'.join(map(str, digits))},{sum(digits)}")
    return "\n".join(lines) + "\n"


GLYPHS = (
    ".XXX. X...X X..XX X.X.X XX..X X...X .XXX.",
    "..X.. .XX.. ..X.. ..X.. ..X.. ..X.. .XXX.",
    ".XXX. X...X ....X ...X. ..X.. .X... XXXXX",
    "XXXXX ...X. ..X.. ...X. ....X X...X .XXX.",
    "...X. ..XX. .X.X. X..X. XXXXX ...X. ...X.",
    "XXXXX X.... XXXX. ....X ....X X...X .XXX.",
    "..XX. .X... X.... XXXX. X...X X...X .XXX.",
    "XXXXX ....X ...X. ..X.. .X... .X... .X...",
    ".XXX. X...X X...X .XXX. X...X X...X .XXX.",
    ".XXX. X...X X...X .XXXX ....X ...X. .XX..",
)


def digits(count=600, seed=15):
    """Images of digits, 10 rows of 8 grey values from 0 to 9: shifted, drawn with any pressure, on a dirty ground."""
    source = random.Random(seed)
    lines = ["image," + ",".join(f"c{i}" for i in range(1, 9)) + ",digit"]
    for number in range(count):
        digit, down, right = source.randrange(10), source.randint(0, 3), source.randint(0, 3)
        pressure, glyph = source.uniform(5, 9), GLYPHS[digit].split()
        for y in range(10):
            row = []
            for x in range(8):
                inside = 0 <= y - down < 7 and 0 <= x - right < 5 and glyph[y - down][x - right] == "X"
                grey = (pressure if inside else 0) + source.gauss(0, 1.6)
                row.append(min(9, max(0, round(grey))))
            lines.append(f"{number + 1},{','.join(map(str, row))},{digit}")
    return "\n".join(lines) + "\n"


MADE = {"motifs.csv": motifs, "strokes.csv": strokes, "ring.csv": ring, "sums.csv": sums, "digits.csv": digits}
