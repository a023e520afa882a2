"""Texts that are generated from the config classes: a commented config, and the page of options.

``python -m pipeline.cli.reference`` writes docs/options.md again.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.config import RunnerConfig, shared_keys, with_own_block
from pipeline.explain import config_blocks, summary
from pipeline.stage import Stage, StageConfig
from stages import RECIPES

PAGE = Path(__file__).parents[2] / "docs" / "options.md"
COMMANDS: Mapping[str, Sequence[str]] = {
    "skyscript build-laion-rs --urls": ("stages.laion_rs.fetched:FetchConfig",),
    "skyscript census": ("stages.census:CensusConfig",),
    "skyscript judge": (
        "stages.judged.config:JudgedConfig",
        "skyscript.language_model.config:LanguageModelConfig",
    ),
    "skyscript polish": (
        "stages.polish.config:PolishConfig",
        "skyscript.language_model.config:LanguageModelConfig",
    ),
    "skyscript leakage": ("stages.leakage.config:LeakageConfig",),
    "skyscript normsim": ("stages.normsim.config:NormSimConfig",),
    "skyscript train-filter": ("stages.train_filter.config:TrainFilterConfig",),
    "skyscript train": ("stages.train.config:TrainConfig",),
    "skyscript evaluate": ("stages.evaluate:EvaluateConfig",),
    "skyscript download": ("stages.download:DownloadConfig",),
    "skyscript build-classification": ("stages.classification:ClassificationConfig",),
    "skyscript overpass": ("skyscript.backends.overpass:OverpassConfig",),
    "skyscript export-data": ("stages.export_data:ExportConfig",),
}
"""The config classes of the commands that run no recipe."""
_KINDS = {int: "whole number", float: "number", str: "text", bool: "yes or no", Path: "path"}
_INTRO = (
    "Every key of every config block, with its type and default. Most keys of a block are also "
    "options of the command that runs the block (`--max-tokens` for `max_tokens`), and "
    "`--set plan.min_side=120` sets it for `skyscript run`. `skyscript init` writes a config with "
    "all keys of a run.",
    "This page is generated from the code: `python -m pipeline.cli.reference` writes it again.",
)


def commented_config(recipe: Sequence[Stage], given: Mapping[str, Any]) -> str:
    """Give a config as YAML with every key, its meaning and its default.

    The keys of ``given`` are set. All others are comments that show the defaults: to remove their
    ``#`` changes nothing.
    """
    shared = _top_keys(recipe)
    lines: list[str] = []
    for key in sorted(shared, key=lambda key: key not in given):
        field = _shared_field(recipe, key)
        lines += [*_key_lines(key, field, given, ""), ""]
        for block in config_blocks(field.annotation):
            lines += [*_kind_lines(block), ""]
    blocks: list[tuple[str, str, type[StageConfig]]] = [
        *((stage.name, summary(stage), stage.config) for stage in with_own_block(recipe)),
        ("runner", _about(RunnerConfig), RunnerConfig),
    ]
    for name, about, model in blocks:
        fields = {key: field for key, field in model.model_fields.items() if key not in shared}
        if not fields:
            continue
        own = given.get(name, {})
        lines += [*_comment(about, ""), f"{name}:" if own else f"#{name}:"]
        for key, field in fields.items():
            lines += _key_lines(key, field, own, "  ")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _top_keys(recipe: Sequence[Stage]) -> list[str]:
    """Give the shared keys that have one default, so that they can stand at the top level."""
    defaults = {
        key: [s.config.model_fields[key].default for s in recipe if key in s.config.model_fields]
        for key in shared_keys(recipe)
    }
    return [key for key, found in defaults.items() if all(each == found[0] for each in found)]


def _shared_field(recipe: Sequence[Stage], key: str) -> FieldInfo:
    """Give the field of a shared key, from a stage that describes it if there is one."""
    fields = [s.config.model_fields[key] for s in recipe if key in s.config.model_fields]
    return next((field for field in fields if field.description), fields[0])


def _key_lines(key: str, field: FieldInfo, given: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield a key with its meaning above it; a comment if it is not given."""
    yield from _comment(field.description or "", indent)
    if key in given:
        yield from textwrap.indent(_dumped({key: given[key]}), indent).splitlines()
    elif field.default_factory is not None or field.is_required():
        yield f"{indent}# {key}:"
    else:
        yield f"#{indent}{key}: {_inline(field.default)}"


def _kind_lines(block: type[StageConfig]) -> Iterator[str]:
    """Yield the keys of a kind of nested block, as a comment."""
    yield from _comment(_about(block), "")
    for key, field in block.model_fields.items():
        yield from _comment(f"{key}{_default(field)}: {field.description or ''}", "  ")


def _comment(text: str, indent: str) -> Iterator[str]:
    lead = f"{indent}# "
    yield from textwrap.wrap(
        text, 100, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False
    )


def _dumped(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000).rstrip()


def _inline(value: object) -> str:
    """Give a default as YAML writes it within a line."""
    plain = str(value) if isinstance(value, Path) else value
    plain = list(plain) if isinstance(plain, tuple) else plain
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=1000)
    return text.removesuffix("...\n").strip()


def options_page() -> str:
    """Give the page that lists all keys of all config blocks."""
    parts = ["# Options", ""]
    for paragraph in _INTRO:
        parts += [*textwrap.wrap(paragraph, 118), ""]
    parts += ["## All recipes", "", *_section("runner", RunnerConfig, _about(RunnerConfig))]
    for command, recipe in RECIPES.items():
        parts += [f"## {command}", ""]
        for stage in with_own_block(recipe):
            parts += _section(stage.name, stage.config, summary(stage))
    for command, models in COMMANDS.items():
        parts += [f"## {command}", ""]
        for model in models:
            found = pkgutil.resolve_name(model)
            parts += [*textwrap.wrap(_about(found), 118), "", *_items(found), ""]
    return "\n".join(parts).rstrip() + "\n"


def _section(name: str, model: type[StageConfig], about: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield from textwrap.wrap(about, 118)
    yield ""
    if model.model_fields:
        yield from _items(model)
        yield ""


def _items(model: type[StageConfig], depth: int = 0) -> Iterator[str]:
    """Yield the keys of a block as a list; the keys of nested blocks stand below theirs."""
    lead = "    " * depth
    for key, field in model.model_fields.items():
        kind = _kind(field.annotation)
        about = f"`{key}` ({kind}{_default(field)}): {field.description or ''}".rstrip()
        yield from _item(about, lead)
        for block in config_blocks(field.annotation):
            yield from _item(_about(block), lead + "    ")
            yield from _items(block, depth + 2)


def _item(text: str, lead: str) -> list[str]:
    return textwrap.wrap(
        text,
        118,
        initial_indent=f"{lead}- ",
        subsequent_indent=f"{lead}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _default(field: FieldInfo) -> str:
    """Give a field's default in words, to be put after its type."""
    if field.is_required():
        return ", required"
    if field.default_factory is not None or field.default is None:
        return ""
    if isinstance(field.default, Mapping) or field.default in ("", ()):
        return ", empty by default"
    if isinstance(field.default, BaseModel) or hasattr(field.default, "_fields"):
        return ""
    return f", default {_inline(field.default)}"


def _kind(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    """Give the type of a field in words."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(parts[0])
    if origin is typing.Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin is tuple:
        item = _kind(parts[0])
        return f"list: {item}" if parts[-1] is Ellipsis else f"{len(parts)} values: {item}"
    if isinstance(annotation, type):
        return "block" if issubclass(annotation, StageConfig) else _KINDS.get(annotation, "block")
    kinds = dict.fromkeys(_kind(part) for part in parts if part is not NoneType)
    return " or ".join(kinds) or "value"


def _about(model: type[StageConfig]) -> str:
    return re.sub(r"``", "`", inspect.cleandoc(model.__doc__ or "").split("\n")[0])


if __name__ == "__main__":
    PAGE.write_text(options_page(), "utf-8")
