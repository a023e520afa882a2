"""A config class as command-line options, a field each, where typer cannot take the published form.

``--aug-cfg use_timm=True color_jitter=0.4`` has several values behind one option; typer knows none
such, argparse does.
"""

from __future__ import annotations

import argparse
import ast
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.config import from_shell
from pipeline.errors import ConfigError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong as every command does: one sentence, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}; see {self.prog} --help")


def parser_of(model: type[BaseModel], command: str, about: str) -> argparse.ArgumentParser:
    """Give a parser with an option for each field; what is not given is not in its result."""
    made = _Parser(
        prog=command,
        description=about,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, field in model.model_fields.items():
        made.add_argument(f"--{name.replace('_', '-')}", **_settings(field))
    return made


def given_of(parsed: argparse.Namespace) -> dict[str, Any]:
    """Give the options that were given, by field; paths among them are from the shell."""
    return {name: from_shell(value) for name, value in vars(parsed).items()}


def _settings(field: FieldInfo) -> dict[str, Any]:
    kinds = _kinds(field.annotation)
    said = (field.description or "").replace("%", "%%")
    default = field.get_default(call_default_factory=True) if not field.is_required() else None
    plain = isinstance(default, str | int | float) and not isinstance(default, bool)
    if default not in (None, "") and plain and "[default" not in said:
        said += f" [default: {default}]"
    if bool in kinds:
        said += f" [default: {'on' if default else 'off'}]"
        return {"action": argparse.BooleanOptionalAction, "help": said}
    if any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
        return {"nargs": "+", "action": _KeysAndValues, "metavar": "KEY=VALUE", "help": said}
    if tuple in (typing.get_origin(kind) for kind in kinds):
        return {"nargs": "+", "metavar": "NAME", "help": said}
    choices = [
        c for kind in kinds if typing.get_origin(kind) is Literal for c in typing.get_args(kind)
    ]
    if choices:
        return {"choices": choices, "help": said}
    word = next((kind for kind in kinds if kind is not types.NoneType), str)
    return {"metavar": getattr(word, "__name__", "value").upper(), "help": said}


def _kinds(annotation: Any) -> Sequence[Any]:  # noqa: ANN401 - any annotation
    """Give the members of a union, or the one annotation."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _kinds(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(annotation) for kind in _kinds(part)]
    return [annotation]


class _KeysAndValues(argparse.Action):
    """Reads ``KEY=VALUE`` words; values as Python writes them, else as text."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401 - as argparse has it
        option_string: str | None = None,
    ) -> None:
        found: Mapping[str, Any] = dict(
            _key_and_value(parser, option_string, word) for word in values
        )
        setattr(namespace, self.dest, found)


def _key_and_value(
    parser: argparse.ArgumentParser, option: str | None, word: str
) -> tuple[str, object]:
    key, separator, text = word.partition("=")
    if not separator:
        parser.error(f"{option} {word}: write it as key=value")
    try:
        return key, ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return key, text
