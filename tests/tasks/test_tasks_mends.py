"""A key of `data` that the messages of a task name is one that the task has."""

import ast
import re
from pathlib import Path

import pytest

import rnncli.tasks
from rnncli.cli.options import READING
from rnncli.config.section import keys_of
from rnncli.tasks.registry import TASKS

ROOT = Path(rnncli.tasks.__file__).parent
KEY = re.compile(r"\bdata\.([a-z_]+)\b(?!\.[a-z])(?!\()")


def folder_of(task):
    """The package of a task, which several tasks may share."""
    return ROOT / type(task).__module__.removeprefix("rnncli.tasks.").split(".")[0]


def texts_in(path):
    """The texts of a module, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [text for text in constants if isinstance(text, str) and text not in docs]


@pytest.mark.parametrize("folder", sorted({folder_of(task) for task in TASKS.values()}), ids=lambda path: path.name)
def test_messages_of_a_task_name_keys_that_it_has(folder):
    tasks = [task for task in TASKS.values() if folder_of(task) == folder]
    own = {key for task in tasks for key in keys_of(task.config, "data")}
    named = {key for path in folder.glob("*.py") for text in texts_in(path) for key in KEY.findall(text)}
    assert named
    refused = {key.removeprefix("data.") for task in tasks for key in task.config.refused}
    assert named - refused <= own


def test_options_for_reading_are_keys_of_a_task():
    assert set(READING) <= {key for task in TASKS.values() for key in keys_of(task.config, "data")}
