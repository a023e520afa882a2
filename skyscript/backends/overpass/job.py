"""A job for Overpass: from a box and tags to a file that `extract` reads."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pydantic import Field, field_validator

import tag_vocab
from pipeline.atomic import content_id, write_bytes
from pipeline.errors import ConfigError, InputError
from pipeline.identity import cache_file
from pipeline.locks import exclusive_lock
from pipeline.stage import StageConfig
from skyscript.backends.overpass.client import Overpass
from skyscript.backends.overpass.query import Tag, check_area, check_counts, query
from skyscript.geo.tile import Box

log = logging.getLogger(__name__)

_DAY = 86_400.0


class OverpassConfig(StageConfig):
    """What to ask Overpass for, and whom."""

    bbox: tuple[float, float, float, float] | None = Field(
        None,
        description="Ask for objects in this box: west, south, east, north, in degrees. Write it "
        "as --bbox=8.4,49.3,8.8,49.5. By default, it is the whole world, for rare tags only.",
    )
    tags: tuple[str, ...] = Field(
        (),
        description="Ask for objects with one of these tags: key=value, or key for any value. By "
        "default, all objects with a key of the vocabulary.",
    )
    endpoint: str = Field(
        "https://overpass-api.de/api",
        description="Send the queries to this instance of Overpass.",
        pattern=r"^https?://[^\s/]+",
    )
    contact: str | None = Field(
        None,
        description="Tell the operators of the service this address of yours (mail or web), so "
        "that they can write to you instead of blocking you.",
        pattern=r"^[\x21-\x7e]+$",
    )
    max_age: float = Field(
        7.0,
        ge=0,
        description="Use a stored answer to the same query if it is at most this many days old.",
    )

    @field_validator("bbox")
    @classmethod
    def _is_a_box(
        cls, box: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        if box is not None:
            west, south, east, north = box
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError(
                    "write west, south, east, north in degrees; cut a box that crosses 180° in two"
                )
        return box

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            Tag.parse(tag)
        return tags


def ask_overpass(
    config: OverpassConfig, out: Path, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Write the answer for a job to the file ``out`` (.json); give its number of elements.

    Answers are kept in the user's cache folder. Two jobs never run at the same time. Raises
    `ConfigError`, `InputError` (also if the job is too large), `RemoteError` or `LockError`.
    """
    if out.suffix != ".json":
        raise ConfigError(f"{out}: the answer is JSON: write it to a file that ends in .json")
    box = Box(*config.bbox) if config.bbox else None
    tags = [Tag.parse(text) for text in config.tags]
    if not tags:
        if box is None:
            raise ConfigError("name a `bbox` or `tags`: Overpass is for small areas and rare tags")
        check_area(box)
        tags = [Tag(key, None) for key in tag_vocab.groundable_keys()]
    question = query(tags, box, "meta geom")
    stored = _folder() / f"{content_id(f'{config.endpoint} {question}'.encode())}.json"
    if not _is_fresh(stored, config.max_age):
        with (
            exclusive_lock(_folder() / "lock"),
            closing(Overpass(config.endpoint, config.contact, sleep)) as client,
        ):
            count = _count(client.ask(query(tags, box, "count")))
            log.info("Overpass has %s such objects", f"{count:,}")
            write_bytes(stored, client.ask(question))
    answer = stored.read_bytes()
    write_bytes(out, answer)
    return len(json.loads(answer)["elements"])


def _folder() -> Path:
    return cache_file().parent / "overpass"


def _is_fresh(stored: Path, days: float) -> bool:
    try:
        return time.time() - stored.stat().st_mtime <= days * _DAY
    except FileNotFoundError:
        return False


def _count(answer: bytes) -> int:
    """Give the number of objects; raise `InputError` if they are none or too many."""
    try:
        total = check_counts(json.loads(answer)["elements"][0]["tags"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            "the service answers `out count` as no Overpass does: check `endpoint`"
        ) from error
    if not total:
        raise InputError("Overpass has no such object: check the box and the tags")
    return total
