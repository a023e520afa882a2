"""Finds the stages that a config disables, and the tables that the other stages then read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.errors import ConfigError
from pipeline.stage import ShardStage, Stage, StageConfig


def find_reasons(recipe: Sequence[Stage], config: Mapping[str, StageConfig]) -> dict[str, str]:
    """Give the stages that their own config disables, each with the reason."""
    found = ((stage.name, stage.disabled(config[stage.name])) for stage in recipe)
    return {name: why for name, why in found if why is not None}


def find_used(recipe: Sequence[Stage], disabled: Collection[str]) -> list[Stage]:
    """Give the stages that run: they are not disabled and need no table of a disabled stage."""
    absent: set[str] = set()
    found: list[Stage] = []
    for stage in recipe:
        if stage.name in disabled or absent & {table.name for table in stage.inputs}:
            absent.add(stage.writes.name)
            continue
        if stage.may_read:
            present = tuple(table for table in stage.may_read if table.name not in absent)
            stage = replace(stage, reads=(*stage.reads, *present), may_read=())
        if isinstance(stage, ShardStage) and stage.may_look_up:
            present = tuple(table for table in stage.may_look_up if table.name not in absent)
            stage = replace(stage, looks_up=(*stage.looks_up, *present), may_look_up=())
        found.append(stage)
    return found


def check_needs(
    recipe: Sequence[Stage],
    chosen: Sequence[Stage],
    config: Mapping[str, StageConfig],
    reasons: Mapping[str, str],
) -> None:
    """Raise `ConfigError` if the config of a chosen stage needs a table that no stage makes.

    ``reasons`` are those of `find_reasons`; the sentence repeats the one that is to blame.
    """
    for stage in chosen:
        for table, key in stage.needs(config[stage.name]).items():
            for name, why in reasons.items():
                if table not in {one.writes.name for one in find_used(recipe, [name])}:
                    raise ConfigError(f"{key} needs the table {table!r}, which is off: {why}")
