"""Whatever stands in a file, on a line or after an option: an answer, or one line for each mistake and its exit code.

Inputs are drawn by hypothesis, the same ones each time: tables, texts, configs, `--set`, `.ts`, the JSON of runs, lines
for each kind of model, streams, primes, names of encodings, and the value of each option.
"""

from __future__ import annotations

import re
import resource
import string
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import click
import hypothesis
import pytest
import small_runs
from attacks import Tally, size
from cli_runs import run
from hypothesis import strategies as st

from rnncli.cli import COMMANDS
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.tasks.registry import TASKS

pytestmark = pytest.mark.faults

ROOM = 6 << 30  # bytes that an input may make the process take; beyond it memory is refused
KINDS = ("language-model", "byte", "forecast", "classify", "regress", "tag", "seq2seq", "caption")
ANSWER = re.compile(r"rnncli: |next: | *\d+ \| | +\| ")  # a line on stderr: a note or an error, or the quote of one

NUMBERS_WRITTEN = """1 1.5 -3 1e309 nan NA inf 1_0 ٣ ５ 5% $3 1,000 1.000,5 0x1F 1e-320 1e30 -0 +5 5- (5) 1e400 . -
e 12:30 99999999999999999999999999999999999999999"""
TIMES_WRITTEN = """2001-01 2001-13 12/31/2020 2020-02-30 24:00 2001-01-01T25:00 2001W05 Q1-2001 Jan-2001 20010101 2001.5
2001-01-01T00:00+99:00 0000-00-00 99999-01-01 1e9"""
SCALARS = """0 1 2 3 -1 0.5 1e-3 .nan .inf -.inf 1e999 true no null ~ [] [1,2] {} [[1]] {a:1} 0100 1:30 'a' "\\ud800" &a
*a !!int 1000000000000 10000000000000000000 month sales gru lstm 10m ../x"""
ARCHIVE_LINES = """@data|@|@ |@classLabel true a b|@classLabel false|@targetlabel true|@timestamps true|@problemName x|:
1,2,3:a|4,5,6:b|?,NaN:b|(0,1),(1,2):a|(2001-01-01 00:00:00,1):b|::a|1:2:3|#c|1,2,3:4,5,6:a|1e400:a|,:a|1,2"""
CODECS = """utf-8 UTF8 utf-16 utf-16-le utf-32 utf-7 latin-1 cp1252 cp037 shift_jis gb18030 hz iso2022_jp punycode idna
hex zip rot13 unicode_escape raw_unicode_escape undefined mbcs base64 charmap utf_8_sig koi8-r mac_roman"""
ATOMS = """null|true|1|-1|1e999|NaN|Infinity|"a"|"\\ud800"|[|}||-|0.5"""
FIELDS = ("step", "epoch", "tokens", "train_loss", "valid_loss", "learning_rate", "score", "network", "floors", "a")
KEYS = sorted(
    {f"{section}.{key}" for t in TASKS.values() for section in SECTIONS for key in keys_of(t.config, section)}
)

ODD = st.sampled_from(
    ["", " ", "\0", "\ufeff", "\u202e", "\x1b[31m", "[/x]", "é", "\udcff", "\ud800", "\x85", "\u2028", "x" * 300, "\\"]
)
NUMBERS, TIMES = (st.sampled_from(text.split()) for text in (NUMBERS_WRITTEN, TIMES_WRITTEN))
CELLS = NUMBERS | TIMES | ODD | st.text(max_size=5) | st.sampled_from(['"', '"a', '"a"b', '""', "a\nb", "#", "sep=;"])
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
SIGNS = st.sampled_from([",", ",", ";", "\t", "|", " "])
ENCODED = st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1", "utf-8-sig"])
WORDS = st.sampled_from(SCALARS.split()) | st.text(string.printable, max_size=6)
SETTINGS = st.builds("{}={}".format, st.sampled_from(KEYS), WORDS) | st.text(max_size=12) | WORDS
ENCODINGS = st.sampled_from(CODECS.split()) | st.text(max_size=12)
GOOD_ARCHIVE = "@classLabel true a b\n@data\n" + "".join(f"{k},{k % 3},2:{'ab'[k % 2]}\n" for k in range(30))


def encoded(text: str, encoding: str = "utf-8") -> bytes:
    return text.encode(encoding, "replace")


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with a few bytes cut out or written over; digits would only make other numbers."""
    changed = bytearray(content)
    signs = st.sampled_from([b"\n", b",", b'"', b":", b"- ", b"\t"])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        put = draw(st.binary(max_size=3) | CELLS.map(encoded) | signs)
        changed[at : at + draw(st.integers(0, 8))] = bytes(byte for byte in put if byte not in b"0123456789")
    return bytes(changed)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Cells of all kinds; or a good table in which some bytes are changed."""
    if draw(st.booleans()):
        return draw(damaged(small_runs.SERIES.encode()))
    width, sign, end = draw(st.integers(1, 4)), draw(SIGNS), draw(ENDS)
    column = st.lists(NUMBERS | TIMES, min_size=width, max_size=width)
    rows = draw(st.lists(column | st.lists(CELLS, max_size=5), max_size=12))
    return encoded(end.join(sign.join(row) for row in rows) + draw(st.sampled_from(["", end])), draw(ENCODED))


@st.composite
def configs(draw: st.DrawFn) -> bytes:
    """A good config with other lines in one section, or with some bytes changed."""
    good = small_runs.CONFIGS[draw(st.sampled_from(["language-model", "forecast", "classify", "seq2seq"]))]
    if draw(st.booleans()):
        return draw(damaged(good.encode()))
    section = draw(st.sampled_from(SECTIONS))
    own = [key.partition(".")[2] for key in KEYS if key.startswith(section)]
    lines = draw(st.lists(st.tuples(st.sampled_from(own), WORDS), max_size=6))
    kept = [line for line in good.splitlines() if not line.startswith(section)]
    return encoded("\n".join([*kept, f"{section}:", *(f"  {key}: {value}" for key, value in lines)]))


TEXTS = (
    st.binary(max_size=200)
    | damaged(small_runs.TEXT.encode())
    | st.lists(CELLS, max_size=40).map(lambda words: encoded(" ".join(words)))
)
ARCHIVES = damaged(GOOD_ARCHIVE.encode()) | st.lists(
    st.sampled_from(ARCHIVE_LINES.replace("\n", "|").split("|")) | CELLS, max_size=14
).map(lambda lines: encoded("\n".join(lines)))
JSON = st.recursive(
    st.sampled_from([*ATOMS.split("|"), "9" * 400]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5).map(
            lambda items: "{" + ",".join(f'"{key}": {value}' for key, value in items.items()) + "}"
        )
    ),
    max_leaves=8,
)


class Attack:
    """The command, in a folder with runs of all kinds, and the count of what it answers."""

    def __init__(self, name: str, folder: Path):
        self.tally, self.folder = Tally(name), folder

    def __call__(self, *call: str, stdin: bytes = b"", file: tuple[str, bytes] | None = None) -> None:
        """Run `call` where `file` has this content; count its exit code, or tell what is wrong with its answer."""
        if file is not None:
            (self.folder / file[0]).write_bytes(file[1])
        given = file[1] if file is not None else stdin
        try:
            done = run(*call, cwd=self.folder, stdin=stdin)
        except BaseException as error:  # what ends the process itself
            self.tally.fail(f"{call} {given!r}: {type(error).__name__}: {error}")
            return
        lines = done.err.splitlines()
        odd = [line for line in lines if not ANSWER.match(line)]
        if done.code in (1, *range(8, 75)) or (not done.errors) != (not done.code) or "Traceback" in done.err or odd:
            self.tally.fail(f"{call} {given!r}: {done.code} {done.err[-300:]!r}")
        else:
            self.tally.count(f"exit {done.code}")


def fuzz(many: int, attack: Attack, judge: Callable[..., None], *drawn: st.SearchStrategy) -> None:
    """Call `judge` with so many draws, and print the count."""
    calm = hypothesis.settings(
        max_examples=many,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    calm(hypothesis.given(*drawn)(judge))()
    attack.tally.end(at_least=many // 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run of each of KINDS, in which a process may not take all memory."""
    path = tmp_path_factory.mktemp("fuzzing")
    small_runs.write(path)
    for kind in KINDS:
        more = ["--set", "data.tokens=byte"] if kind == "byte" else []
        run(*small_runs.command("language-model" if kind == "byte" else kind, kind, *more), cwd=path).ok()
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, before[1]))
    yield path
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_tables(folder: Path) -> None:
    attack = Attack("tables", folder)
    calls: Sequence[Sequence[str]] = [
        ["check", "t.csv"],
        ["check", "forecast.yaml", "t.csv"],
        ["check", "classify.yaml", "t.csv"],
        ["check", "seq2seq.yaml", "t.csv"],
        ["check", "caption.yaml", "t.csv", "--set", "data.target=null"],
        ["check", "forecast.yaml", "t.csv", "--missing", "ffill", "--ragged", "skip", "--quoting", "none"],
        ["predict", "forecast", "t.csv"],
        ["predict", "caption", "t.csv"],
        ["evaluate", "forecast", "t.csv"],
    ]
    fuzz(
        size(60, 3000),
        attack,
        lambda content, call: attack(*call, file=("t.csv", content)),
        tables(),
        st.sampled_from(calls),
    )


def test_texts(folder: Path) -> None:
    attack = Attack("texts", folder)
    calls = [
        ["check", "t.txt"],
        *(
            ["check", "language-model.yaml", "t.txt", "--set", f"data.tokens={kind}"]
            for kind in ("byte", "word", "bpe")
        ),
        *(["check", "language-model.yaml", "t.txt", "--set", f"data.items={how}"] for how in ("lines", "paragraphs")),
        ["check", "tag.yaml", "t.txt"],
        ["evaluate", "language-model", "t.txt"],
        ["predict", "language-model", "t.txt", "--encoding", "utf-16"],
    ]
    judge = lambda content, call: attack(*call, file=("t.txt", content))  # noqa: E731
    fuzz(size(60, 3000), attack, judge, TEXTS, st.sampled_from(calls))


def test_lines_for_models_and_streams(folder: Path) -> None:
    attack = Attack("lines", folder)
    calls = [
        *(["predict", kind, "-"] for kind in KINDS if kind != "forecast"),
        *(["predict", kind, "-", "-f", "json", "--strict"] for kind in ("byte", "tag", "seq2seq")),
        *(["score", kind, "-"] for kind in ("language-model", "byte")),
        ["predict", "forecast", "-", "--follow"],
        ["predict", "forecast", "-", "--follow", "--strict", "--encoding", "latin-1"],
    ]
    judge = lambda content, call: attack(*call, stdin=content)  # noqa: E731
    fuzz(size(60, 3000), attack, judge, TEXTS | tables(), st.sampled_from(calls))


def test_primes(folder: Path) -> None:
    attack = Attack("primes", folder)
    call = ["generate", "-n", "2", "--echo", "-f", "jsonl"]
    bytes_of_argv = st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    options = st.sampled_from(["--prime", "--stop", "--bad-words"])
    judge = lambda text, kind, option: attack(*call, kind, option, text)  # noqa: E731
    fuzz(size(40, 3000), attack, judge, bytes_of_argv | st.text(), st.sampled_from(["byte", "language-model"]), options)


def test_archives(folder: Path) -> None:
    attack = Attack(".ts", folder)
    calls = [["check", "t.ts"], ["check", "classify.yaml", "t.ts"], ["check", "t.ts", "--set", "task=regress"]]
    judge = lambda content, call: attack(*call, file=("t.ts", content))  # noqa: E731
    fuzz(size(60, 3000), attack, judge, ARCHIVES, st.sampled_from(calls))


def test_configs(folder: Path) -> None:
    attack = Attack("configs", folder)
    fuzz(size(60, 3000), attack, lambda content: attack("check", "c.yaml", file=("c.yaml", content)), configs())


def test_settings(folder: Path) -> None:
    attack = Attack("--set", folder)
    calls = st.sampled_from(["language-model.yaml", "forecast.yaml", "classify.yaml", "tag.yaml", "seq2seq.yaml"])
    judge = lambda setting, config: attack("check", config, "--set", setting)  # noqa: E731
    fuzz(size(60, 3000), attack, judge, SETTINGS, calls)


def test_the_json_of_a_run(folder: Path) -> None:
    attack = Attack("JSON of a run", folder)
    calls = [
        ["runs", "."],
        ["plot", "classify", "-o", "p.svg"],
        ["report", "classify", "-o", "p.html"],
        ["check", "classify"],
    ]
    judge = lambda lines, call, name: attack(*call, file=(f"classify/{name}", encoded("\n".join(lines))))  # noqa: E731
    names = st.sampled_from(["metrics.jsonl", "report.json"])
    kept = {name: (folder / "classify" / name).read_bytes() for name in ("metrics.jsonl", "report.json")}
    try:
        fuzz(size(40, 3000), attack, judge, st.lists(JSON, max_size=3), st.sampled_from(calls), names)
    finally:
        for name, content in kept.items():
            (folder / "classify" / name).write_bytes(content)


def test_encodings(folder: Path) -> None:
    attack = Attack("--encoding", folder)
    calls = [
        ["check", "forecast.yaml"],
        ["check", "text.txt"],
        ["predict", "language-model", "text.txt"],
        ["predict", "seq2seq", "-"],
        ["predict", "forecast", "series.csv", "--follow"],
        ["score", "byte", "text.txt"],
        ["evaluate", "language-model", "text.txt"],
    ]
    judge = lambda name, call: attack(*call, "--encoding", name, stdin=b"\xe9+2AA-\xff\n")  # noqa: E731
    fuzz(size(60, 3000), attack, judge, ENCODINGS, st.sampled_from(calls))


def valued(command: str) -> list[str]:
    """The options of a command that take a value, but for those that name a place to write."""
    written = {"--out", "--plot", "--state", "--confusion", "--heat", "-o", "--worst"}
    options = import_module(f"rnncli.cli.{command.replace('-', '_')}").command.params
    return [
        option.opts[-1]
        for option in options
        if isinstance(option, click.Option) and not option.is_flag and not written & {*option.opts}
    ]


def test_values_of_options(folder: Path) -> None:
    attack = Attack("options", folder)
    before = {
        "predict": [
            ["predict", "forecast"],
            ["predict", "seq2seq", "pairs.tsv"],
            ["predict", "classify", "labels.csv"],
        ],
        "generate": [["generate", "language-model", "-n", "2"]],
        "score": [["score", "language-model", "text.txt"]],
        "evaluate": [["evaluate", "forecast"], ["evaluate", "classify"]],
        "inspect-grads": [["inspect-grads", "language-model"]],
        "runs": [["runs", "."]],
        "plot": [["plot", "classify"]],
        "report": [["report", "classify"]],
        "check": [["check", "forecast.yaml"]],
        "init": [["init", "series.csv"]],
    }
    calls = [
        (call, option)
        for command, calls in before.items()
        if command in COMMANDS
        for call in calls
        for option in valued(command)
    ]
    judge = lambda call, value: attack(*call[0], call[1], value)  # noqa: E731
    fuzz(size(60, 3000), attack, judge, st.sampled_from(calls), NUMBERS | WORDS | ODD)
