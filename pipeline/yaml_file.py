"""Reads YAML as plain data, and names the line of what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError

MAX_BYTES = 1 << 20
"""Size limit of a config file."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a block of keys from a file. Raises `ConfigError` that names the file and the line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: is larger than 1 MiB; a config is a short YAML file")
        data = yaml.load(path.read_text("utf-8"), Loader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such config file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a config: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "nested too deep, or not YAML"
        raise ConfigError(f"{path}:{line} not a usable YAML file: {problem}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a config is a block of keys, not {type(data).__name__}")
    return data


class Loader(yaml.SafeLoader):
    """Loads plain data; refuses repeated keys, and aliases (a small file could become huge)."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as in PyYAML
        """Compose a node; refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases are not supported", mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401 - likewise
        """Build a value; an error of PyYAML's own constructors gets the line number."""
        try:
            return super().construct_object(node, deep)
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
            kind = node.tag.rpartition(":")[2]
            if kind == "timestamp":  # no date such as 2022-13-01: the field's check names the key
                return node.value
            problem = f"{shorten(node.value)} cannot be read as {kind}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        """Build a block of keys; refuse a key that is repeated or that is not text."""
        seen: set[str] = set()
        for key, _ in node.value:
            kind = key.tag.rpartition(":")[2]
            if kind in {"bool", "null", "int", "float", "timestamp"}:
                problem = f'YAML reads the key {key.value} as {kind}: write it as "{key.value}"'
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _resolvers() -> dict[str, list[tuple[str, Any]]]:
    """Give PyYAML's rules for plain words, but only true and false are bool, as in YAML 1.2.

    ``building: yes`` and ``shown: yes`` then hold the word that is written there.
    """
    return {
        first: [rule for rule in rules if first in "tTfF" or not rule[0].endswith(":bool")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.yaml_implicit_resolvers = _resolvers()


def shorten(value: object) -> str:
    """Give the representation of a value, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
