"""Keys that are null until a task's `prepare` chooses their value from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field
from pydantic.fields import FieldInfo

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


def is_chosen(field: FieldInfo) -> bool:
    """Return True for a `Chosen` key."""
    return isinstance(field.json_schema_extra, dict) and BEFORE in field.json_schema_extra


def value_before(field: FieldInfo) -> Any:
    """Return the value of a key that an older version did not know: what null was then, or else the default."""
    extra = field.json_schema_extra
    return extra[BEFORE] if isinstance(extra, dict) and BEFORE in extra else field.default


def chosen(description: str, *, before: Any) -> Any:
    """Return the field of a key whose null the data choose; before: its default in version 0.1."""
    return Field(default=None, description=description, json_schema_extra={BEFORE: before})
