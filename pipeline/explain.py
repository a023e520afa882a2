"""Describes a stage: its purpose, the keys of its config block, the table that it writes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from pipeline.stage import Stage, StageConfig


def explain(stage: Stage) -> str:
    """Give the description of a stage, its config's keys and its table's columns, as text."""
    return "\n".join(
        [
            inspect.cleandoc(stage.run.__doc__ or ""),
            "",
            f"config, in the block {stage.block}:",
            *_keys(stage.config, "  "),
            "",
            f"writes {stage.writes.name}:",
            *(f"  {column.name}: {column.type}" for column in stage.writes.schema),
        ]
    )


def summary(stage: Stage) -> str:
    """Give the first line of a stage's description."""
    return inspect.cleandoc(stage.run.__doc__ or "").split("\n")[0]


def _keys(model: type[StageConfig], indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{indent}{name} ({_default(field)}): {field.description or ''}"
        for nested in config_blocks(field.annotation):
            summary = inspect.cleandoc(nested.__doc__ or "").split("\n")[0]
            yield f"{indent}  {nested.__name__}: {summary}"
            yield from _keys(nested, indent + "    ")


def _default(field: FieldInfo) -> str:
    choices = typing.get_args(field.annotation)
    if typing.get_origin(field.annotation) is typing.Literal and len(choices) == 1:
        return f"always {choices[0]}"
    if field.is_required():
        return "required"
    if field.default_factory_takes_validated_data:
        return "default by other keys"
    return f"default {field.get_default(call_default_factory=True)!r}"


def config_blocks(annotation: object) -> Iterator[type[StageConfig]]:
    """Give the config blocks in a type, for example ``A`` and ``B`` in ``dict[str, A | B]``."""
    if isinstance(annotation, type) and issubclass(annotation, StageConfig):
        yield annotation
    for part in typing.get_args(annotation):
        yield from config_blocks(part)
