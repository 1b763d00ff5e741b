"""Keys that are null until a task's `prepare` chooses their value from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field

T = TypeVar("T")
BEFORE = "before"

if TYPE_CHECKING:
    Chosen = Annotated[T, "chosen"]
else:

    class Chosen:
        """`Chosen[T]`, the type of a key that is null until a task's `prepare` chooses it from the data.

        Type checkers take it for T: what reads a config that was not prepared has to know that it may be None.
        """

        def __class_getitem__(cls, kind: Any) -> Any:
            return kind | None


def is_open(value: object) -> bool:
    """Return True for the value of a `Chosen` key that is yet to be chosen."""
    return value is None


def chosen(description: str, *, before: Any) -> Any:
    """Return the field of a key whose null the data choose; before: its default in version 0.1."""
    return Field(default=None, description=description, json_schema_extra={BEFORE: before})
