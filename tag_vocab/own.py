"""A user's own labels: a CSV file that goes before the shipped vocabulary.

``tag``         key=value, or ``key=*`` for all other values of a key.
``groundable``  yes or no.
``max_gsd``     the coarsest image in which it still shows, metres a pixel; where groundable is yes.
``phrase``      how captions say it; empty or missing: as without the label.
``reason``      a few words for whoever reads the table later; may be missing.

Columns stand in any order. ``probability`` and ``source`` may be there and are not read, so that
what ``skyscript vocab lookup`` writes can be edited and given back.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

from tag_vocab import deprecated
from tag_vocab.vocabulary import TagEntry

NEEDED = ("tag", "groundable", "max_gsd")
KNOWN = (*NEEDED, "phrase", "reason", "probability", "source")

_MOST_BYTES = 64 << 20
_LONGEST = 255
"""Characters: OSM's own limit of a key and of a value, and ours of a phrase or a reason."""
_COARSEST = 1000.0
"""Metres a pixel; above it a slip of the pen."""
_NO_REASON = "a label of the user's own"

Tag = tuple[str, str]


class OwnLabel(NamedTuple):
    """What a user says of a tag."""

    entry: TagEntry
    phrase: str | None


def read_own_labels(path: Path) -> dict[Tag, OwnLabel]:
    """Give a user's labels by (key, value), old spellings under today's.

    Raises `ValueError` that names file, line and what is wrong; `OSError` where it cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path}: is larger than 64 MiB; name a CSV file of labels.")
    found: dict[Tag, OwnLabel] = {}
    try:
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True)
        _check_header(path, list(reader.fieldnames or ()))
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            tag, label = _label(where, row)
            if found.setdefault(tag, label) != label:
                raise ValueError(f"{where}: {tag[0]}={tag[1]} has two labels; keep one row.")
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no CSV file in UTF-8: {error}.") from error
    return found


def _check_header(path: Path, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: a column stands twice in its header.")
    if missing := [name for name in NEEDED if name not in names]:
        raise ValueError(f"{path}: has no column {', '.join(missing)}.")
    if strange := [name for name in names if name not in KNOWN]:
        raise ValueError(
            f"{path}: has an unknown column {strange[0][:40]!r}; known are {', '.join(KNOWN)}."
        )


def _label(where: str, row: dict[str, str]) -> tuple[Tag, OwnLabel]:
    if None in row or None in row.values():
        raise ValueError(f"{where}: has more or fewer values than the header has columns.")
    for name in ("tag", "phrase", "reason"):
        if not row.get(name, "").isprintable():
            raise ValueError(f"{where}: the {name} holds control or line characters.")
    key, equals, value = row["tag"].partition("=")
    if not (key and equals and value) or max(len(key), len(value)) > _LONGEST:
        raise ValueError(
            f"{where}: the tag is {row['tag'][:60]!r}; write key=value, or key=* for any value, "
            f"each of at most {_LONGEST} characters."
        )
    entry = _entry(where, row)
    phrase = " ".join(row.get("phrase", "").split()) or None
    if max(len(entry.reason), len(phrase or "")) > _LONGEST:
        raise ValueError(f"{where}: the phrase or the reason is longer than {_LONGEST} characters.")
    return _today(where, (key, value)), OwnLabel(entry, phrase)


def _entry(where: str, row: dict[str, str]) -> TagEntry:
    groundable = {"yes": True, "no": False}.get(row["groundable"].strip().lower())
    if groundable is None:
        raise ValueError(f"{where}: groundable is {row['groundable'][:40]!r}; write yes or no.")
    reason = row.get("reason", "").strip() or _NO_REASON
    given = row["max_gsd"].strip()
    if not groundable:
        if given:
            raise ValueError(f"{where}: what cannot be seen has no max_gsd.")
        return TagEntry(False, None, "own", reason, 0.0)
    try:
        gsd = float(given)
    except ValueError:
        gsd = 0.0
    if not 0 < gsd <= _COARSEST:
        raise ValueError(
            f"{where}: max_gsd is {given[:40]!r}; write metres a pixel, over 0 and at most "
            f"{_COARSEST:g}."
        )
    return TagEntry(True, gsd, "own", reason, 1.0)


def _today(where: str, tag: Tag) -> Tag:
    """Give the tag in today's spelling: objects are asked in it."""
    today = deprecated.current(dict([tag]))
    if len(today) != 1:
        said = " + ".join("=".join(new) for new in today.items()) or "nothing"
        raise ValueError(f"{where}: {tag[0]}={tag[1]} is an old spelling of {said}: label that.")
    ((key, value),) = today.items()
    return key, value
