"""What rnncli says to its user, as a list: `python tests/messages.py` writes tests/messages.txt anew.

Every text of an error that is raised, of a note, of a refusal in a config and of an option's help, with {} for what is
filled in. tests/test_words.py compares, so that a change of words is seen in a review.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests/messages.txt"
SAYING = {"note", "refusal", "Problem", "say", "tell", "option"}


def texts_in(node):
    """The texts of an expression, longest pieces first joined: a formatted one is one text."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    return [text for child in ast.iter_child_nodes(node) for text in texts_in(child)]


def spoken(tree):
    """The expressions of a module that its user reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from node.exc.args
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SAYING:
                yield from [keyword.value for keyword in node.keywords if keyword.arg == "help"]
                yield from node.args if name != "option" else ()


def messages():
    found = set()
    for path in sorted(ROOT.glob("rnncli/**/*.py")):
        for expression in spoken(ast.parse(path.read_text(encoding="utf-8"))):
            for text in texts_in(expression):
                if " " in text.strip():
                    found.add(f"{path.relative_to(ROOT / 'rnncli')}: {text.strip()}".replace("\n", "\\n"))
    return "".join(f"{line}\n" for line in sorted(found))


if __name__ == "__main__":
    FILE.write_text(messages(), encoding="utf-8")
