"""Makes the sequences of sample_data that are written for something: dates, words in order, melodies, names."""

import calendar
import datetime
import random


def _split(words):
    return words.split()


ONES = _split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENS = _split("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
ORDINALS = _split(
    "_ first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)


def in_words(number):
    """0 to 99."""
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def ordinal(number):
    """1 to 31 in words."""
    if number <= 20:
        return ORDINALS[number]
    return "thirtieth" if number == 30 else f"{TENS[number // 10]}-{ORDINALS[number % 10]}"


def year_in_words(year):
    century, rest = divmod(year, 100)
    if 2000 <= year < 2010:
        return "two thousand" + (f" and {ONES[rest]}" if rest else "")
    return f"{in_words(century)} {'hundred' if rest == 0 else f'oh {ONES[rest]}' if rest < 10 else in_words(rest)}"


def suffixed(day):
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def written_date(date, source):
    """One of the ways that people write a day."""
    month = calendar.month_name[date.month]
    year = source.choice([str(date.year), year_in_words(date.year)])
    day = source.choice([str(date.day), suffixed(date.day), ordinal(date.day)])
    weekday = source.choice(["", "", f"{calendar.day_name[date.weekday()]}, "])
    return weekday + source.choice(
        [
            f"{day} {month} {year}",
            f"{day} of {month}, {year}",
            f"the {ordinal(date.day)} of {month} {year}",
            f"{month} {day}, {year}",
            f"{month[:3]} {date.day} {year}",
            f"{date.day} {month[:3]}. {year}",
        ]
    )


def dates(count=4000, seed=11):
    """Days from 1800 to 2099, written out, and as ISO 8601 writes them."""
    source = random.Random(seed)
    first, last = datetime.date(1800, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()
    lines = []
    for _ in range(count):
        date = datetime.date.fromordinal(source.randint(first, last))
        lines.append(f"{written_date(date, source)}\t{date.isoformat()}")
    return "\n".join(lines) + "\n"


PEOPLE = ["I am", "you are", "he is", "she is", "we are", "they are", "my sister is", "our neighbours are"]
DEEDS = {
    "reading": ["an article", "a letter", "the old book", "the news"],
    "writing": ["a letter", "an essay", "a long story", "the report"],
    "baking": ["a cake", "fresh bread", "an apple pie"],
    "painting": ["the fence", "a picture", "an old boat"],
    "mending": ["the roof", "a bicycle", "the old fence"],
    "watching": ["the birds", "an old film", "the rain"],
}
WHERE = ["", "in the kitchen", "in the garden", "at home", "by the river", "under the tree"]
WHEN = ["", "today", "this morning", "right now"]


def jumble(count=2000, seed=12):
    """Sentences, their words in any order before."""
    source = random.Random(seed)
    lines = []
    for _ in range(count):
        deed = source.choice(list(DEEDS))
        parts = [source.choice(PEOPLE), deed, source.choice(DEEDS[deed]), source.choice(WHERE), source.choice(WHEN)]
        words = " ".join(part for part in parts if part).split()
        mixed = words[:]
        source.shuffle(mixed)
        lines.append(f"{' '.join(mixed)}\t{' '.join(words)}")
    return "\n".join(lines) + "\n"


NOTES = _split("C Db D Eb E F Gb G Ab A Bb B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CONTOURS = {
    "rising": lambda i, n: i,
    "falling": lambda i, n: n - 1 - i,
    "arch": lambda i, n: min(i, n - 1 - i),
    "wave": lambda i, n: i % 3,
}


def melody(key, mode, contour, start, length):
    """`length` notes of a key's scale along a contour from its degree `start`, and the tonic to end with."""
    degrees = [start - 1 + CONTOURS[contour](i, length) for i in range(length)] + [0]
    heights = [NOTES.index(key) + 12 * (degree // 7) + SCALES[mode][degree % 7] for degree in degrees]
    return " ".join(f"{NOTES[height % 12]}{4 + height // 12}" for height in heights)


def melodies(count=1800, seed=13):
    """Melodies for a key, a mode, a contour, a first degree and a length, each combination once."""
    source = random.Random(seed)
    every = [
        (key, mode, contour, start, length)
        for key in NOTES
        for mode in SCALES
        for contour in CONTOURS
        for start in (1, 3, 5)
        for length in range(3, 10)
    ]
    chosen = source.sample(every, count)
    rows = [",".join([*map(str, of), melody(*of)]) for of in chosen]
    return "\n".join(["key,mode,contour,start,length,melody", *rows]) + "\n"


SYLLABLES = {
    "person": ["al", "be", "cor", "din", "el", "fa", "gus", "ha", "il", "jo", "ka", "lin", "mar", "no", "ra", "tha"],
    "place": ["ash", "brook", "dale", "ford", "glen", "hurst", "mere", "stead", "thorpe", "wick", "wood", "worth"],
}
SAYINGS = [
    "{person} {person} lives in {place}",
    "we met {person} near {place} {place}",
    "{place} is a small town",
    "the train from {place} to {place} is late",
    "ask {person} {person} for the key",
    "is {person} at home",
    "{person} and {person} walked to {place}",
    "nobody in {place} {place} knows {person} {person}",
    "the letter came from {person}",
    "may the dog stay with {person} {person}",
    "it rained in {place} all day",
]


def names(count=900, seed=14):
    """Sentences with names of people and places, hardly any of which occurs twice, in BIO tags."""
    source = random.Random(seed)
    blocks = []
    for _ in range(count):
        lines, before = [], ""
        for word in source.choice(SAYINGS).split():
            kind = word.strip("{}")
            if kind == word:
                lines.append(f"{word}\tO")
            else:
                name = "".join(source.choice(SYLLABLES[kind]) for _ in range(source.randint(2, 3))).capitalize()
                lines.append(f"{name}\t{'I' if before == kind else 'B'}-{kind}")
            before = kind
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


MADE = {"dates.tsv": dates, "jumble.tsv": jumble, "melodies.csv": melodies, "names.conll": names}
