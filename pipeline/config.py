"""A run's config: a YAML file with a block for each stage, a block ``runner``, and shared keys.

A shared key, such as ``seed``, is a top-level key that sets the field of this name in every block
that has one. Every field that two or more stages of the recipe have can be a shared key. The
runner's block defines how to run; it is never part of a result's identity.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from pipeline.cpus import count_cpus
from pipeline.errors import ConfigError
from pipeline.stage import FromShell, Stage, StageConfig
from pipeline.yaml_file import Loader, read_yaml, shorten

Config = TypeVar("Config", bound=StageConfig)


class RunnerConfig(StageConfig):
    """How to run; never part of a result's identity."""

    executor: Literal["processes", "serial", "ray"] = Field(
        "processes",
        description="Run the parts in worker processes (`processes`), one after the other in "
        "this process (`serial`), or as tasks of a Ray cluster (`ray`, which needs the extra "
        "`ray`).",
    )
    workers: int = Field(
        default_factory=count_cpus,
        ge=1,
        description="Make this many parts at once. By default, it is one for each CPU, on Ray "
        "for each CPU of the cluster.",
    )
    ray_address: str | None = Field(
        default=None,
        description="Use the Ray cluster at this address: HOST:PORT, or `auto` for the one on "
        "this machine. Every node must see the run folder and the inputs under the same paths. "
        "By default, Ray is started on this machine for the run.",
    )

    @model_validator(mode="after")
    def _check_address(self) -> RunnerConfig:
        if self.ray_address is not None and self.executor != "ray":
            raise ValueError("ray_address needs `executor: ray`")
        return self


@dataclass(frozen=True)
class RunConfig:
    """A checked config: the runner's block, and each stage's block by the stage's name."""

    runner: RunnerConfig
    stages: Mapping[str, StageConfig]


def load_config(
    path: Path,
    recipe: Sequence[Stage],
    overrides: Iterable[str] = (),
    given: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Read a config file, apply the overrides ``key.key=value``, then ``given``, and check it.

    Raises `ConfigError` that names the file and every wrong key.
    """
    data = _merge(with_overrides(read_yaml(path), overrides), given or {})
    return parse_config(data, recipe, base=path.parent.absolute(), where=str(path))


def parse_config(
    data: Mapping[str, Any], recipe: Sequence[Stage], *, base: Path, where: str
) -> RunConfig:
    """Check a config; its relative paths are relative to ``base``."""
    shared = shared_keys(recipe)
    names = [stage.name for stage in with_own_block(recipe)]
    problems = [
        f"unknown key {_suggest(key, ['runner', *names, *shared])}"
        for key in data
        if key not in {"runner", *names, *shared}
    ]
    given = {key: data[key] for key in shared if key in data}
    runner, more = _block("runner", RunnerConfig, data.get("runner"), {}, base)
    problems += more
    stages = {}
    for stage in recipe:
        block, more = _block(stage.block, stage.config, data.get(stage.block), given, base)
        problems += more
        stages[stage.name] = block
    if problems:
        raise ConfigError(f"{where}: " + "; ".join(dict.fromkeys(problems)))
    return RunConfig(runner, stages)  # type: ignore[arg-type] # no problem: no block is None


def config_of_command(
    given: Mapping[str, Any], recipe: Sequence[Stage], overrides: Iterable[str], where: str
) -> RunConfig:
    """Check a config from command options; its paths are relative to the working directory."""
    return parse_config(with_overrides(given, overrides), recipe, base=Path.cwd(), where=where)


def config_of_block(
    path: Path | None, model: type[Config], given: Mapping[str, Any], where: str
) -> Config:
    """Check a config of one block: the keys of a file, overridden by ``given``.

    Paths are relative to the file's folder; paths typed in a shell (`FromShell`) to the working
    directory. Raises `ConfigError` that names every wrong key.
    """
    data = {**(read_yaml(path) if path else {}), **given}
    base = path.parent.absolute() if path else Path.cwd()
    block, problems = _block("", model, data, {}, base)
    if block is None:
        raise ConfigError(f"{path or where}: " + "; ".join(dict.fromkeys(problems)))
    return block


def with_own_block(recipe: Sequence[Stage]) -> list[Stage]:
    """Give the stages that share no other stage's config block, in the order of the blocks' use."""
    owners = {stage.name: stage for stage in recipe if not stage.block_of}
    used = dict.fromkeys(stage.block for stage in recipe)
    return [owners[block] for block in used if block in owners]


def shared_keys(recipe: Sequence[Stage]) -> list[str]:
    """Give the names of the fields that two or more stages have; they can be top-level keys."""
    own = with_own_block(recipe)
    counts = Counter(name for stage in own for name in stage.config.model_fields)
    return sorted(name for name, count in counts.items() if count > 1)


def _block(
    name: str,
    model: type[Config],
    given: object,
    shared: Mapping[str, object],
    base: Path,
) -> tuple[Config | None, list[str]]:
    if given is not None and not isinstance(given, dict):
        return None, [f"{name} must be a block of keys, not {given!r}"]
    filled = {key: value for key, value in shared.items() if key in model.model_fields}
    own = given or {}
    values = filled | own
    if name and (misplaced := [key for key in own if _is_top_level(model, key)]):
        return None, [
            f"{name}.{key} is in the wrong place: move {key!r} out of {name!r}, to the top level "
            "of the config, where all stages read it"
            for key in misplaced
        ]
    try:
        return model.model_validate(values, context={"base": base}), []
    except ValidationError as error:
        # A wrong shared value is an error of the top-level key: report it once, not per block.
        return None, [
            _problem(
                "" if set(item["loc"][:1]) & (filled.keys() - own) else name, values, model, item
            )
            for item in error.errors(include_url=False)
            if item["type"] != "default_factory_not_called"  # another key is wrong
        ]


def _is_top_level(model: type[StageConfig], key: object) -> bool:
    field = model.model_fields.get(str(key))
    more = field.json_schema_extra if field else None
    return isinstance(more, dict) and more.get("top_level") is True


def _key(block: str, values: object, loc: Sequence[object]) -> str:
    """Give the key as the user wrote it: pydantic's location also names the types of a union."""
    parts = [block] if block else []
    for number, part in enumerate(loc, start=1):
        is_key = isinstance(values, dict) and part in values
        if is_key or isinstance(values, list | tuple) or number == len(loc):
            parts.append(str(part))
        if isinstance(values, dict) and is_key:
            values = values[part]
    return ".".join(parts)


def _problem(
    block: str,
    values: Mapping[str, object],
    model: type[StageConfig],
    item: Any,  # noqa: ANN401 - pydantic's ErrorDetails
) -> str:
    key = _key(block, values, item["loc"])
    if item["type"] == "extra_forbidden":
        fields = list(model.model_fields) if len(item["loc"]) == 1 else []
        known = [f"{block}.{field}" if block else field for field in fields]
        return f"unknown key {_suggest(key, known)}"
    if item["type"] == "missing":
        return f"{key} is required"
    message = str(item["msg"]).removeprefix("Value error, ")
    if not key:  # an error of the whole block: its value is too long to show
        return message
    if item["type"] == "int_parsing" and (number := _whole_number(item["input"])) is not None:
        return f"{key}: YAML reads {item['input']} as text: write {number}"
    return f"{key}: {message[:1].lower()}{message[1:]} (given: {shorten(item['input'])})"


def _whole_number(text: object) -> int | None:
    """Give the whole number that a text such as ``1e3`` names, if it is one."""
    try:
        number = float(str(text))
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e15 else None


def _suggest(key: object, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(key), known, n=1)
    return f"{str(key)!r}" + (f" (did you mean {close[0]!r}?)" if close else "")


def with_overrides(given: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Give a config with ``--set`` overrides (``key=value`` or ``block.key=value``) applied."""
    data = {key: dict(value) if isinstance(value, dict) else value for key, value in given.items()}
    for override in overrides:
        _override(data, override)
    return data


def _merge(data: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested blocks of keys; ``given`` takes precedence."""
    merged = dict(data)
    for key, value in given.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _override(data: dict[str, Any], override: str) -> None:
    dotted, separator, text = override.partition("=")
    keys = dotted.split(".")
    if not separator or not all(keys):
        raise ConfigError(f"--set {override}: write it as key.key=value")
    try:
        value = from_shell(yaml.load(text, Loader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        raise ConfigError(f"--set {override}: the value is not YAML") from None
    block = data
    for key in keys[:-1]:
        if block.get(key) is None:
            block[key] = {}
        block = block[key]
        if not isinstance(block, dict):
            raise ConfigError(f"--set {override}: {key!r} is a value, not a block")
    block[keys[-1]] = value


def from_shell(value: object) -> object:
    """Mark strings typed in a shell: paths among them are relative to the working directory."""
    if isinstance(value, str):
        return FromShell(value)
    if isinstance(value, dict):
        return {key: from_shell(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_shell(item) for item in value]
    return value
