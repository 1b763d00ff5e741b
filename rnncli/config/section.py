"""What every section of a config is made of: its base, types of values, and how its keys are found.

Each section is one pydantic model, frozen once checked. Types are strict: `true` is not 1, "3" is not 3, 3.0 is not
a whole number, and no number may be infinite. The descriptions also feed the documentation and the JSON Schema. The
messages for refused values are worded in `explanations`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rnncli.config.values import (
    IS_PATH,
    LARGEST_COUNT,
    column,
    columns,
    duration,
    encoding_name,
    one_character,
    paths,
    size,
    usable_path,
)

FilePath = Annotated[str, AfterValidator(usable_path), IS_PATH]
FilePaths = Annotated[str | list[str], BeforeValidator(paths), IS_PATH]
Split = Annotated[Annotated[float, Field(ge=0, le=0.9)] | int | str, BeforeValidator(size), IS_PATH]
Column = Annotated[int, Field(ge=1)] | str
OneColumn = Annotated[Column, BeforeValidator(column)]
Columns = Annotated[Column | list[Column], BeforeValidator(columns)]
Character = Annotated[str, BeforeValidator(one_character), Field(min_length=1, max_length=1)]
Encoding = Annotated[str, AfterValidator(encoding_name)]
Duration = Annotated[str, BeforeValidator(duration)]
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]


class Section(BaseModel):
    """The base of the config and its sections: strict and frozen, without unknown keys or infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


def keys_of(schema: type[Section], name: str = "") -> dict[str, Any]:
    """The fields of a section of `schema` by key; the empty name is the top level, `data.features` within `data`."""
    within: Any = schema
    for one in name.split(".") if name else ():
        within = within.model_fields[one].annotation
    return dict(within.model_fields)


def sections_in(schema: type[Section], name: str) -> list[str]:
    """The names of the sections within a section of `schema`, such as `data.features`."""
    fields = keys_of(schema, name)
    return [f"{name}.{key}" for key, field in fields.items() if is_section(field)]


def is_section(field: Any) -> bool:
    """True for the field of a key whose value is a section."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)
