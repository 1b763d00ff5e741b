"""help: the manual, which ships in `rnncli/docs`, by topic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rnncli.config.suggestions import did_you_mean
from rnncli.errors import UsageError

DOCS = Path(__file__).parents[1] / "docs"
_HEADING = re.compile(r"^(#{1,4}) (.+)$", re.M)
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_OPTION = re.compile(r"^\|.*?`(--[\w-]+)` \|.*\| (.*) \|$", re.M)
_STEM = re.compile(r"(?:(?<=\w{3})(\w)\1ing|(?<=\w{4})ing|(?<=\w{3})s)$")  # of plots, overfitting
_COMMANDS, _KEYS = "commands", "config"  # the pages that are made from the source
_GLOSSARY = "glossary"  # its headings are words on the screen, several between commas; … stands for any text
_ORDER = ("tutorial", "commands", "config")  # the pages to name first


class Section(NamedTuple):
    """A heading of a page and the text under it, including the headings below it."""

    page: str
    level: int
    title: str
    text: str

    @property
    def topic(self) -> str:
        """The topic that `rnncli help` takes for this section."""
        return self.page if self.level == 1 else self.title

    @property
    def summary(self) -> str:
        """The title of a page, the meaning of a config key, else the first sentence."""
        if self.level == 1:
            return self.title.removeprefix(f"{self.page}: ")
        if self.page == _KEYS and self.level == 3:
            return self.text.rpartition(" |\n")[0].rsplit(" | ", 1)[1]
        paragraph = next((text for text in self.text.split("\n\n")[1:] if text[0] not in "#|`"), "")
        return re.split(r"(?<=\.)\s", paragraph.replace("\n", " "))[0] or f"see rnncli help {self.page}"


def manual(topic: str) -> str:
    """Return what the manual has on `topic`, as Markdown; for an empty topic, its pages and commands.

    UsageError where no page, command, option, key or heading has that name.
    """
    sections = list(_sections())
    if not topic.strip():
        return _contents(sections)
    wanted = topic.strip().lower()
    if own := [section.text for section in sections if wanted == _own_name(section)]:
        return "\n".join(own)  # a command, a page or both, whatever else is called so
    found = [section for section in sections if _is_called(section, wanted)]
    defined = [section for section in found if section.page == _GLOSSARY]
    options = [(section, meaning) for section in sections for meaning in _options(section, wanted)]
    if not found and not options:
        found = _with_words(sections, topic)
    if len(found) == 1 and not options:
        return found[0].text
    lines = [f"- `rnncli help {_quoted(section)}`: {section.summary}" for section in found if section not in defined]
    lines += [f"- `rnncli help {section.title}`, option `--{wanted.lstrip('-')}`: {told}" for section, told in options]
    listed = "\n".join(["See also\n" if defined else f"# {topic}\n\nSee\n", *lines, ""]) if lines else ""
    return "\n".join([*(section.text for section in defined), listed])


def _with_words(sections: list[Section], topic: str) -> list[Section]:
    """Return the sections with all words of a topic in their heading, else in their text, those with most first."""
    wanted = topic.strip().lower()
    words = [_STEM.sub(r"\1", word) for word in _plain(wanted).split()]
    found = [section for section in sections if all(_begins_in(section.title, word) for word in words)]
    if not found:  # a heading says less than the text under it
        found = [one for one in sections if _is_leaf(one) and all(word in _plain(one.text) for word in words)]
        found.sort(key=lambda one: -sum(map(_plain(one.text).count, words)) / len(one.text))
    if not found:
        hint = did_you_mean(wanted, [name for section in sections for name in _names(section)])
        raise UsageError(f"the manual has nothing on {topic}{hint or '; rnncli help lists its pages'}")
    return found


def topics() -> list[str]:
    """Return the topics that are pages, commands or config keys."""
    return [
        section.topic
        for section in _sections()
        if section.level == 1 or (section.page in (_COMMANDS, _KEYS) and section.level > 1)
    ]


def _plain(text: str) -> str:
    """Return a text without what is written in two ways, such as over-fitting and overfitting."""
    return text.lower().replace("-", "")


def _begins_in(title: str, word: str) -> bool:
    """True if a word of the title begins so: exit is in Exit codes, and not in perplexity."""
    return re.search(rf"\b{re.escape(word)}", _plain(title)) is not None


def _is_leaf(section: Section) -> bool:
    """True if no other heading stands under the section's own."""
    return len(_HEADING.findall(_FENCE.sub("", section.text))) == 1


def _sections() -> Iterator[Section]:
    """Yield the section of every heading of every page, in order."""
    stems = sorted((path.stem for path in DOCS.glob("*.md")), key=lambda stem: (stem not in _ORDER, stem))
    for page in stems:
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        # A comment in a block of code looks like a heading.
        bare = _FENCE.sub(lambda block: block[0].replace("#", "."), text)
        headings = [(len(match[1]), match[2], match.start()) for match in _HEADING.finditer(bare)]
        for i, (level, title, start) in enumerate(headings):
            end = next((first for deeper, _, first in headings[i + 1 :] if deeper <= level), len(text))
            yield Section(page, level, title, text[start:end].rstrip() + "\n")


def _names(section: Section) -> set[str]:
    """Return the names of a section: its title, also the file's name of a page and the bare name of a config key."""
    if section.page == _KEYS and section.level == 2:  # a section of the config: its keys are topics
        return set()
    names = {section.title.lower(), f"{section.page} {section.title}".lower()}
    if section.page == _GLOSSARY:
        names.update(section.title.lower().split(", "))
    if section.level == 1:
        names.add(section.page)
    if section.page == _KEYS and "." in section.title:
        names.add(section.title.partition(".")[2])
    return names


def _is_called(section: Section, wanted: str) -> bool:
    """True if a topic is one of the section's names, in which … stands for any text."""
    return any(re.fullmatch(".+".join(map(re.escape, name.split("…"))), wanted) for name in _names(section))


def _own_name(section: Section) -> str | None:
    """Return the name of a page or a command, None of other sections."""
    return section.page if section.level == 1 else section.title if section.page == _COMMANDS else None


def _is_command(section: Section) -> bool:
    return section.page == _COMMANDS and section.level == 2


def _options(section: Section, wanted: str) -> Iterator[str]:
    """Yield the meaning of the option `wanted` if this section is a command that has it."""
    if _is_command(section):
        yield from (
            meaning for option, meaning in _OPTION.findall(section.text) if option.lstrip("-") == wanted.lstrip("-")
        )


def _contents(sections: list[Section]) -> str:
    """Return the list of the pages and the commands, one line each."""
    pages = [section for section in sections if section.level == 1]
    commands = [section for section in sections if _is_command(section)]
    return "\n".join(
        [
            "# rnncli\n\n`rnncli help TOPIC` shows a page, a command, an option, a config key such as `training.bptt`,"
            " or what a heading says.\n\n## Pages\n",
            *(f"- `{section.topic}`: {section.summary}" for section in pages),
            "\n## Commands\n",
            *(f"- `{section.topic}`: {section.summary}" for section in commands),
            "",
        ]
    )


def _quoted(section: Section) -> str:
    """Return the topic of a section as it is typed, with its page if it is no page, command or key."""
    topic = (
        section.topic if section.level == 1 or section.page in (_COMMANDS, _KEYS) else f"{section.page} {section.title}"
    )
    return f'"{topic}"' if " " in topic else topic
