"""What a run folder keeps for its user: the config as resolved, the commands, and a log.

_config.yaml     the config of the last command with every default and whole paths; it can be run
_commands.log    a line for each command: when, the version, the working directory, the words
_run.log         what the commands said, with the time; each part, too
"""

from __future__ import annotations

import importlib.metadata
import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.atomic import appending, storage, write_bytes
from pipeline.config import RunConfig, shared_keys, with_own_block
from pipeline.stage import Stage
from pipeline.storage import Place

CONFIG, COMMANDS, LOG = "_config.yaml", "_commands.log", "_run.log"


@contextmanager
def recording(
    root: Place, recipe: Sequence[Stage], config: RunConfig, command: Sequence[str]
) -> Iterator[None]:
    """Keep the config and the command in a run folder, and the log until the end."""
    write_bytes(root / CONFIG, as_yaml(recipe, config).encode())
    if command:
        with appending(root / COMMANDS) as path, storage(path), path.open("ab") as file:
            file.write(_line_of(command).encode())
    with appending(root / LOG) as path, _logging_to(path):
        yield


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    with storage(path):
        handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with suppress(OSError):  # of a full disk, likewise
            handler.close()


class _LogFile(logging.FileHandler):
    """Appends to a file; a full disk, which the stages report, must not fill the terminal too."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop a line that cannot be written."""


class _Formatter(logging.Formatter):
    """Gives a line for each message, with the time in UTC."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        """Give the time of a message as 2026-11-27T04:36:00Z."""
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line_of(command: Sequence[str]) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    version = importlib.metadata.version("skyscript")
    return f"{now}  {version}  {shlex.quote(str(Path.cwd()))}  {shlex.join(command)}\n"


def as_yaml(recipe: Sequence[Stage], config: RunConfig) -> str:
    """Give a config as YAML with all its values; shared keys stand at the top level if they can."""
    names = [stage.name for stage in with_own_block(recipe)]
    blocks = {name: config.stages[name].model_dump(mode="json") for name in names}
    top = {key: _common(key, blocks) for key in shared_keys(recipe)}
    top = {key: values[0] for key, values in top.items() if values}
    own = {
        name: {key: value for key, value in block.items() if key not in top}
        for name, block in blocks.items()
    }
    whole = {**top, **own, "runner": config.runner.model_dump(mode="json")}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)


def _common(key: str, blocks: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Give the value of a key that is the same in all blocks that have it; else nothing."""
    values = [block[key] for block in blocks.values() if key in block]
    return values[:1] if all(value == values[0] for value in values) else []
