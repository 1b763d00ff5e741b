"""help: the manual, which ships in `rnncli/docs`, by topic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rnncli.config.problems import did_you_mean
from rnncli.errors import UsageError

DOCS = Path(__file__).parents[1] / "docs"
_HEADING = re.compile(r"^(#{1,4}) (.+)$", re.M)
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_OPTION = re.compile(r"^\|.*?`(--[\w-]+)` \|.*\| (.*) \|$", re.M)
_COMMANDS, _KEYS = "commands", "config"  # the pages that are made from the source
_ORDER = ("tutorial", "commands", "config")  # the pages to name first


class Section(NamedTuple):
    """A heading of a page and what stands under it, the headings below it included."""

    page: str
    level: int
    title: str
    text: str

    @property
    def topic(self) -> str:
        """What `rnncli help` takes for it."""
        return self.page if self.level == 1 else self.title

    @property
    def summary(self) -> str:
        """A page's title, a config key's meaning, else the first sentence."""
        if self.level == 1:
            return self.title.removeprefix(f"{self.page}: ")
        if self.page == _KEYS and self.level == 3:
            return self.text.rstrip(" |\n").rsplit(" | ", 1)[1]
        paragraph = next((part for part in self.text.split("\n\n")[1:] if part[0] not in "#|`"), "")
        return re.split(r"(?<=\.)\s", paragraph.replace("\n", " "))[0]


def manual(topic: str) -> str:
    """What the manual says of `topic`, as Markdown; of none, what there is to read.

    UsageError for what no page, command, option, key or heading is called.
    """
    sections = list(_sections())
    if not topic.strip():
        return _contents(sections)
    wanted = topic.strip().lower()
    found = [section for section in sections if wanted in _names(section)]
    options = [(section, meaning) for section in sections for meaning in _options(section, wanted)]
    if not found and not options:
        found = [section for section in sections if all(word in section.title.lower() for word in wanted.split())]
    if not found and not options:
        names = [name for section in sections for name in _names(section)]
        hint = did_you_mean(wanted, names) or "; rnncli help lists its pages"
        raise UsageError(f"the manual has nothing on {topic}{hint}")
    if len(found) == 1 and not options:
        return found[0].text
    lines = [f"- `rnncli help {_quoted(section.topic)}`: {section.summary}" for section in found]
    lines += [f"- `rnncli help {section.title}`, option `--{wanted.lstrip('-')}`: {said}" for section, said in options]
    return f"# {topic}\n\nThe manual has several things of that name:\n\n" + "\n".join(lines) + "\n"


def _sections() -> Iterator[Section]:
    """Every heading of every page, in order."""
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
    """What the section answers to: its title, a page its file's name, a config key without its section too."""
    names = {section.title.lower()}
    if section.level == 1:
        names.add(section.page)
    if section.page == _KEYS and "." in section.title:
        names.add(section.title.partition(".")[2])
    return names


def _options(section: Section, wanted: str) -> Iterator[str]:
    """What the command of this section says of an option."""
    if section.page == _COMMANDS and section.level == 2:
        yield from (said for option, said in _OPTION.findall(section.text) if option.lstrip("-") == wanted.lstrip("-"))


def _contents(sections: list[Section]) -> str:
    """The pages and the commands, a line each."""
    pages = [section for section in sections if section.level == 1]
    commands = [section for section in sections if section.page == _COMMANDS and section.level == 2]
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


def _quoted(topic: str) -> str:
    return f'"{topic}"' if " " in topic else topic
