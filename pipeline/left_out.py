"""Which stages of a recipe a config leaves out, and what the others read then."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.atomic import write_bytes
from pipeline.stage import DatasetStage, ShardStage, Stage, StageConfig

_NOTE = "_left_out.json"


def reasons(recipe: Sequence[Stage], config: Mapping[str, StageConfig]) -> dict[str, str]:
    """Give the stages that their own config leaves out, each with the reason."""
    said = ((stage.name, stage.left_out(config[stage.name])) for stage in recipe)
    return {name: why for name, why in said if why is not None}


def in_use(recipe: Sequence[Stage], left_out: Collection[str]) -> list[Stage]:
    """Give the stages that run: not those left out, nor those that need what these would make."""
    absent: set[str] = set()
    found: list[Stage] = []
    for stage in recipe:
        looked_up = stage.looks_up if isinstance(stage, ShardStage) else ()
        if stage.name in left_out or absent & {table.name for table in (*stage.reads, *looked_up)}:
            absent.add(stage.writes.name)
            continue
        if isinstance(stage, DatasetStage) and stage.may_read:
            there = tuple(table for table in stage.may_read if table.name not in absent)
            stage = replace(stage, reads=(*stage.reads, *there), may_read=())
        found.append(stage)
    return found


def note(root: Path, names: Iterable[str]) -> None:
    """Keep in a run folder which stages its config leaves out."""
    write_bytes(root / _NOTE, f"{json.dumps(sorted(names))}\n".encode())


def noted(root: Path) -> list[str]:
    """Give the stages that the last run in a folder left out."""
    try:
        names: list[str] = json.loads((root / _NOTE).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return names
