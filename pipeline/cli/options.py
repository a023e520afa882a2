"""Options of a command, generated from config classes: one option for each pydantic field.

A command names the fields that it offers (`Fields`) and receives the typed values as ``given``, in
nested blocks of keys like those of a YAML file. The config classes check the values, so a file,
``--set`` and an option have the same check and the same message.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from typer.core import TyperCommand

from pipeline.addresses import is_address
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Given = Mapping[str, Any]
"""The values that the user typed, in nested blocks. ``--set`` takes precedence over options."""

_Shape = Literal["flag", "value", "list", "paths", "block"]
_METAVARS = {int: "<int>", float: "<float>", Path: "<path>"}
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_SET = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="Set any key of the config. Repeat the option for more keys."
    ),
]


class Fields(NamedTuple):
    """Fields of a config class that a command offers as options."""

    model: str
    """``module:Class``. It is imported only when the command is used: the stages take a second."""
    block: str = ""
    """The block of ``given`` for the values; by default, the top level."""
    only: Sequence[str] = ()
    """The fields to offer, if not all."""
    names: Mapping[str, str] = types.MappingProxyType({})
    """Names of options that differ from the name of their field, by field."""
    optional: bool = False
    """Whether no option is required, because a file may contain the values."""

    def options(self) -> Iterator[Option]:
        """Yield the options, in the order of the fields."""
        fields: Mapping[str, FieldInfo] = pkgutil.resolve_name(self.model).model_fields
        for field in self.only or fields:
            name = self.names.get(field, field)
            shape, metavar = _shape(fields[field].annotation)
            required = fields[field].is_required() and not self.optional
            yield Option(name, (self.block, field), fields[field], shape, metavar, required)


class Option(NamedTuple):
    """One option."""

    name: str
    place: tuple[str, str]
    """The block and the field that the value belongs to."""
    info: FieldInfo
    shape: _Shape
    metavar: str
    required: bool

    @property
    def flag(self) -> str:
        """The option as the user types it."""
        return f"--{self.name.replace('_', '-')}"

    def parameter(self) -> inspect.Parameter:
        """Give the parameter of a function that typer turns into this option."""
        kind: Any = {"flag": bool, "value": str}.get(self.shape, list[str])
        metavar = None if self.shape == "flag" else self.metavar
        option = typer.Option(help=self._help(), metavar=metavar, show_default=False)
        default = inspect.Parameter.empty if self.required else None
        annotation: Any = Annotated[kind if self.required else kind | None, option]
        return inspect.Parameter(self.name, _KEYWORD, default=default, annotation=annotation)

    def value(self, typed: Any) -> object:  # noqa: ANN401 - as typer gives it
        """Give the value of the field for what the user typed."""
        if self.shape == "block":
            return dict(_key_and_value(self.flag, word) for word in typed)
        if self.shape == "list":
            return [part.strip() for word in typed for part in word.split(",")]
        return typed

    def _help(self) -> str:
        """Give the field's description and its default, if it is a plain value."""
        default = None if self.info.is_required() else self.info.default
        if isinstance(default, bool):
            default = "on" if default else "off"
        if isinstance(default, tuple):
            default = ", ".join(str(item) for item in default)
        plain = isinstance(default, str | int | float | Path) and default != ""
        about = self.info.description or ""
        return f"{about}  [default: {default}]" if plain else about


def command(
    app: typer.Typer,
    *fields: Fields,
    panel: str = "Commands",
    name: str | None = None,
    translate: Callable[[Sequence[str]], list[str]] = list,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command: its own parameters, and options for the fields.

    The options and ``--set`` take the place of the function's parameter ``given``. The panel is the
    part of ``skyscript --help`` that lists the command. ``translate`` gives the user's words in
    those of the options.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        class Command(TyperCommand):
            """Makes its parameters when it is used, not when the program starts."""

            options: Mapping[str, Option] | None = None

            def get_params(self, ctx: Any) -> Any:  # noqa: ANN401 - as in typer
                if self.options is None:
                    options = [option for group in fields for option in group.options()]
                    separate = typer.Typer(add_completion=False)
                    separate.command()(_with_options(function, options))
                    made = typer.main.get_command(separate)
                    self.params, self.callback = made.params, made.callback
                    self.options = {option.flag: option for option in options}
                    self.rich_markup_mode = None  # rich's boxes truncate long names
                return super().get_params(ctx)

            def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
                self.get_params(ctx)
                words = _repeat_options(translate(args), self.options or {})
                return super().parse_args(ctx, list(words))

        def stand_in() -> None:
            """Take no parameters: `Command` replaces it."""

        called = name or function.__name__.replace("_", "-")
        about = inspect.getdoc(function)
        app.command(called, cls=Command, help=about, rich_help_panel=panel)(stand_in)
        return function

    return register


def _repeat_options(words: Sequence[str], options: Mapping[str, Option]) -> Iterator[str]:
    """Write ``--top 20 30`` as ``--top 20 --top 30``, the form that typer reads."""
    option: Option | None = None
    first = True
    for word in words:
        if word.startswith("-"):
            option, first = options.get(word), True
        elif option and (option.shape == "list" or (option.shape == "block" and "=" in word)):
            if not first:
                yield option.flag
            first = False
        yield word


def _with_options(function: Callable[..., None], options: Sequence[Option]) -> Callable[..., None]:
    """Give the function with a parameter for each option in place of ``given``."""
    own = inspect.signature(function, eval_str=True).parameters

    def call(**values: Any) -> None:  # noqa: ANN401 - a value of any option
        from pipeline.config import from_shell, with_overrides

        _check_paths(values)
        given: dict[str, Any] = {}
        for option in options:
            if (typed := values.pop(option.name)) is not None:
                block, field = option.place
                keys = given.setdefault(block, {}) if block else given
                keys[field] = from_shell(option.value(typed))
        if options:
            given = with_overrides(given, values.pop("set") or ())
            for block in {"runner", *(option.place[0] for option in options)} & given.keys():
                if not isinstance(given[block], Mapping):
                    raise ConfigError(f"{block} must be a block of keys, not {given[block]!r}")
            values["given"] = given
        function(**values)

    parameters: list[inspect.Parameter] = []
    for name, parameter in own.items():
        if name == "given":
            parameters += [option.parameter() for option in options]
            parameters.append(inspect.Parameter("set", _KEYWORD, default=None, annotation=_SET))
        else:
            parameters.append(parameter.replace(kind=_KEYWORD))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _check_paths(values: Mapping[str, Any]) -> None:
    """Raise `ConfigError` if a path is an address, which would become a folder of that name."""
    for name, value in values.items():
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path) and is_address(path):
                address = str(path).replace(":/", "://", 1)
                remedy = "write to a folder" if name == "out" else "copy it here"
                raise ConfigError(
                    f"{name} {address}: is an address, but this command works with files and "
                    f"folders of this machine: {remedy}"
                )


def _shape(annotation: Any) -> tuple[_Shape, str]:  # noqa: ANN401 - any annotation
    """Give how an option of this type is written, and the word that help shows for a value."""
    kinds = _kinds(annotation)
    if bool in kinds:
        return "flag", ""
    for kind in kinds:
        if hasattr(kind, "model_fields") or typing.get_origin(kind) is dict:
            return "block", "KEY=VALUE"
        if typing.get_origin(kind) is tuple:
            item = _kinds(typing.get_args(kind)[0])[0]
            return "paths" if item is Path else "list", _metavar(item)
    return "value", _metavar(kinds[0])


def _kinds(annotation: Any) -> list[Any]:  # noqa: ANN401 - any annotation
    """Give the members of a union except None, or the one annotation."""
    if typing.get_origin(annotation) is Annotated:
        return _kinds(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(annotation) for kind in _kinds(part)]
    return [] if annotation is types.NoneType else [annotation]


def _metavar(kind: Any) -> str:  # noqa: ANN401 - any annotation
    if typing.get_origin(kind) is Literal:
        return f"<{'|'.join(map(str, typing.get_args(kind)))}>"
    return _METAVARS.get(kind, "<str>")


def _key_and_value(flag: str, word: str) -> tuple[str, object]:
    """Split a ``KEY=VALUE`` word; the value is read as Python writes it, else as text."""
    key, separator, text = word.partition("=")
    if not separator:
        raise ConfigError(f"{flag} {word}: write it as key=value")
    try:
        return key, ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return key, text
