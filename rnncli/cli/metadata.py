"""What Python knows of installed packages, loaded when it is first asked for.

pydantic imports `importlib.metadata` to look for plugins, which have no say in a command; with it come packages for
mail and sockets, which take a tenth of a short command's time.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_NAME = "importlib.metadata"


class _Later(ModuleType):
    """Stands for the package until one of its names is read; `entry_points` is one that can be imported before that."""

    __path__ = [f"{folder}/metadata" for folder in importlib.__path__]

    def entry_points(self, **chosen: Any) -> Any:
        return _loaded().entry_points(**chosen)

    def __getattr__(self, name: str) -> Any:
        return getattr(_loaded(), name)


def load_metadata_later() -> None:
    """Let the next import of importlib.metadata load nothing yet."""
    if _NAME not in sys.modules:
        sys.modules[_NAME] = importlib.metadata = _Later(_NAME)


def _loaded() -> Any:
    if isinstance(sys.modules.get(_NAME), _Later):
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)
