"""One word for one thing: the glossary, docstrings that are sentences, messages as they were agreed on."""

import ast
import re
from pathlib import Path

import pytest
from messages import FILE, messages

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("rnncli/**/*.py"))
}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("rnncli/docs/*.md"))}
GONE = [
    found
    for found in re.findall(r"^\| [^|]+ \| [^|]+ \| ([a-z ]+?)( \(as a name\))? \|$", GUIDE, re.M)
    if found[0] != "not"
]
# A docstring that begins with one of these is a fragment: it says nothing without the name above it.
FRAGMENT = re.compile(
    r"(?:Of|Those|The same|Same|As|That|So|Likewise|And|But|With|By|For|In|On|At|Under|Beside|After|Before|Up|Over|"
    r"Like|Without|From|To|Not|Only|Until|If|When|Where|These|This|Them|It)\b"
)


def names_in(source):
    """Every word of the names that are defined: variables, arguments, attributes, functions, classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from re.split("_+", node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from re.findall(r"[A-Z]?[a-z]+", node.name)
        elif isinstance(node, ast.arg):
            yield from re.split("_+", node.arg)


NAMES = {file: {name.lower() for name in names_in(source)} for file, source in SOURCES.items()}


def docstrings():
    for file, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
                yield f"{file}:{getattr(node, 'name', 'module')}", text


def test_the_glossary_has_words_that_went():
    assert {"floor", "ruler", "strand", "trainee", "speaker", "said", "right", "ahead"} <= {word for word, _ in GONE}


@pytest.mark.parametrize(("word", "as_a_name"), GONE)
def test_words_that_went_are_not_used(word, as_a_name):
    assert [file for file, names in NAMES.items() if {word, f"{word}s"} & names] == []
    if not as_a_name:
        wanted = re.compile(rf"(?<![.\w\"`]){word}s?\b(?![(\"`])", re.I)
        assert [name for name, text in (SOURCES | PAGES).items() if wanted.search(text)] == []


def test_a_part_is_one_of_a_network_and_never_of_the_data():
    own = ("rnncli/nn/", "rnncli/inspection/", "rnncli/kernels/", "rnncli/ui/")
    assert [file for file, names in NAMES.items() if not file.startswith(own) and {"part", "parts"} & names] == []
    held_out = re.compile(r"\b(training|validation|test|held-out) parts?\b")
    assert [name for name, text in (SOURCES | PAGES).items() if held_out.search(text)] == []


def test_no_docstring_is_a_fragment():
    assert [f"{place}: {text.splitlines()[0]}" for place, text in docstrings() if FRAGMENT.match(text)] == []


def test_docstrings_begin_with_a_capital_or_a_name_and_end_as_sentences():
    odd = [place for place, text in docstrings() if text.rstrip()[-1] not in ".:)`?…" and "\n" not in text]
    assert odd == []


def test_messages_are_those_that_were_agreed_on():
    assert FILE.read_text(encoding="utf-8") == messages(), "see the change: python tests/messages.py; git diff tests/"
