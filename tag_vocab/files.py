"""The data files of the vocabulary, read once and checked; an error names file and line.

``labels.csv``     hand-made labels: key, value, groundable, max_gsd, kind, size, reason; key ``*``
                   is any key. CONTRIBUTING.md has the rule that they follow; `tag_vocab.sizes`
                   computes max_gsd from kind and size.
``spellings.csv``  misspellings of labelled values: key, value, meant, objects (that carry it in
                   extracts), evidence. Each was decided by hand; see `tag_vocab.spelling`.
``context.csv``    tags that show only in company: see `tag_vocab.context`.
``keys.csv``       rules for tags without a label: key, role, groundable, max_gsd, rule, reason;
                   ``addr:*`` and ``*:wikidata`` are families of keys.
``frequency.csv``  the count of a tag in twelve OpenStreetMap extracts: key, value, count; without
                   free text and registers (© OpenStreetMap contributors, ODbL).
``deprecated.csv`` old spellings: old, new (see `tag_vocab.deprecated`).
``universe.csv``   tags that are known to be used: key, value, in_id (`preset` or `field` if the iD
                   editor has it), kinds (n, w, a: points, lines or areas carry it). Tags of the
                   extracts are included only if they are recurring words.
``second_labels.csv``
                   three blind labellings of 300 tags of labels.csv each: key, value, max_gsd
                   (empty: not visible), round (1: random tags; 2 and 3: by kind, after sizes came
                   in). They decide nothing; they measure how far two labellings agree.
``id_words.csv``   the iD editor's words for a tag, or (value ``*``) for a key: key, value, words.
``concepts.csv`` and ``concept_keys.csv``
                   the tree of concepts (see `tag_vocab.concepts`).
``vocabulary.csv`` the answer for every tag of these files, built by `tag_vocab.build`.

NOTICE.md names their sources and licences.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from typing import Literal, NamedTuple, cast

GSDS = (0.1, 0.2, 0.6, 1.0, 10.0)
"""The steps of the maximum GSD, in metres."""

ANY = "*"
"""As a label's key: any key. In a rule's key: any part before or after the colon."""

NAMES = (
    "labels.csv",
    "keys.csv",
    "frequency.csv",
    "deprecated.csv",
    "spellings.csv",
    "context.csv",
    "universe.csv",
    "id_words.csv",
    "concepts.csv",
    "concept_keys.csv",
    "vocabulary.csv",
)
"""The files that decide an answer."""

Role = Literal["thing", "attribute"]
RuleName = Literal["word", "number", "spelled", "listed", "never"]
_KINDS = ("", "n", "w", "a", "nw", "na", "wa", "nwa")
_ROLES = ("thing", "attribute", "")
_RULES = {"word": True, "number": True, "spelled": False, "listed": False, "never": False}
_NUMBERS = re.compile(r"number ([0-9]{1,9}) ([0-9]{1,9})")


class Judgement(NamedTuple):
    """The answer of one row: visible from above or not, up to which GSD in metres, and why."""

    groundable: bool
    max_gsd: float | None
    reason: str


class KeyRule(NamedTuple):
    """How to judge the tags of a key that have no label of their own.

    ``word``: a tag is visible if its value is one plain word, and is then said without the value.
    ``number``: a tag is visible if its value is a whole number of the range. ``listed``: only tags
    with a label are visible, or such as the classifiers accept. ``spelled``: the same, but the
    classifiers are not asked, because people write any word. ``never``: no tag of the key is
    visible.
    """

    role: Role
    """A thing is visible by itself; an attribute (surface, roof:shape) describes a thing and is
    visible only with a thing of the same object."""
    rule: RuleName
    judgement: Judgement
    numbers: range = range(0)
    """The numbers of the rule ``number``, written as in ``number 2 24``."""


LABELS = "key,value,groundable,max_gsd,kind,size,reason"
"""The header of labels.csv."""


@functools.cache
def labels() -> dict[tuple[str, str], Judgement]:
    """Give the shipped labels by (key, value)."""
    found: dict[tuple[str, str], Judgement] = {}
    for where, row in shipped_rows("labels.csv", LABELS):
        tag = (row["key"], row["value"])
        if tag in found:
            raise ValueError(f"{where}: {tag[0]}={tag[1]} is labelled twice; keep one row.")
        found[tag] = _judgement(where, row)
    return found


@functools.cache
def key_rules() -> dict[str, KeyRule]:
    """Give the rules by key; families have a ``*`` before or after a colon (``addr:*``)."""
    found: dict[str, KeyRule] = {}
    for where, row in shipped_rows("keys.csv", "key,role,groundable,max_gsd,rule,reason"):
        key, role, judgement = row["key"], row["role"], _judgement(where, row)
        limits = _NUMBERS.fullmatch(row["rule"])
        rule = "number" if limits else row["rule"]
        if key in found:
            raise ValueError(f"{where}: {key} has two rules; keep one row.")
        if rule not in _RULES or role not in _ROLES or (rule == "number") != bool(limits):
            raise ValueError(f"{where}: unknown rule {row['rule']!r} or role {role!r}.")
        if _RULES[rule] != judgement.groundable or (role == "") != (rule == "never"):
            raise ValueError(
                f"{where}: rule {rule} does not go with groundable={row['groundable']}, "
                f"role={role!r}: word and number are groundable, and only never has no role."
            )
        if ANY in key and rule != "never":
            raise ValueError(f"{where}: a family of keys can only be never visible.")
        numbers = range(int(limits[1]), int(limits[2]) + 1) if limits else range(0)
        found[key] = KeyRule(
            cast(Role, role or "attribute"), cast(RuleName, rule), judgement, numbers
        )
    return found


@functools.cache
def frequency() -> dict[tuple[str, str], int]:
    """Give how often each (key, value) was counted."""
    found: dict[tuple[str, str], int] = {}
    for where, row in shipped_rows("frequency.csv", "key,value,count"):
        tag = (row["key"], row["value"])
        if tag in found or not row["count"].isdigit():
            raise ValueError(
                f"{where}: {tag[0]}={tag[1]} comes twice, or its count is not a number."
            )
        found[tag] = int(row["count"])
    return found


@functools.cache
def spellings() -> dict[tuple[str, str], str]:
    """Give the value that a misspelt tag means, by (key, value)."""
    found = {}
    for where, row in shipped_rows("spellings.csv", "key,value,meant,objects,evidence"):
        tag = (row["key"], row["value"])
        if tag in found or tag in labels() or (row["key"], row["meant"]) not in labels():
            name = f"{where}: {tag[0]}={tag[1]}"
            raise ValueError(f"{name} comes twice or has a label, or {row['meant']} has none.")
        found[tag] = row["meant"]
    return found


class Known(NamedTuple):
    """A tag that is known to be used."""

    in_id: str
    """``preset`` or ``field`` if the iD editor has the tag, else empty."""
    kinds: str
    """The kinds of object that carry it: n point, w line, a area; empty: not known."""


@functools.cache
def universe() -> dict[tuple[str, str], Known]:
    """Give the tags that are known to be used, by (key, value)."""
    found = {}
    for where, row in shipped_rows("universe.csv", "key,value,in_id,kinds"):
        if row["kinds"] not in _KINDS or row["in_id"] not in ("", "preset", "field"):
            raise ValueError(f"{where}: unknown kinds {row['kinds']!r} or in_id {row['in_id']!r}.")
        found[row["key"], row["value"]] = Known(row["in_id"], row["kinds"])
    return found


@functools.cache
def id_words() -> dict[tuple[str, str], str]:
    """Give iD's words for a tag by (key, value), and for a key by (key, "*")."""
    rows = shipped_rows("id_words.csv", "key,value,words")
    return {(row["key"], row["value"]): row["words"] for _, row in rows}


@functools.cache
def second_labels(number: int) -> dict[tuple[str, str], float | None]:
    """Give the maximum GSDs of a blind labelling, by (key, value)."""
    rows = shipped_rows("second_labels.csv", "key,value,max_gsd,round")
    return {
        (row["key"], row["value"]): float(row["max_gsd"]) if row["max_gsd"] else None
        for _, row in rows
        if row["round"] == str(number)
    }


class Guess(NamedTuple):
    """The classifiers' answer for a tag without a label."""

    groundable: bool
    probability: float
    max_gsd: float | None


VOCABULARY = "key,value,groundable,probability,source,max_gsd,phrase,kinds,rank"
"""The header of vocabulary.csv."""


@functools.cache
def guesses() -> dict[tuple[str, str], Guess]:
    """Give the rows of the shipped vocabulary that come from the classifiers, by (key, value)."""
    found = {}
    for where, row in shipped_rows("vocabulary.csv", VOCABULARY):
        if row["source"] == "model":
            seen = row["groundable"] == "yes"
            gsd = float(row["max_gsd"]) if row["max_gsd"] else None
            if seen != (gsd in GSDS):
                raise ValueError(f"{where}: max_gsd is {row['max_gsd']!r}; rebuild the vocabulary.")
            found[row["key"], row["value"]] = Guess(seen, float(row["probability"]), gsd)
    return found


@functools.cache
def content_id() -> str:
    """Give the content id of the vocabulary: BLAKE2b-128 over its files, in hex."""
    digest = hashlib.blake2b(digest_size=16)
    for name in NAMES:
        data = _bytes(name)
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _judgement(where: str, row: dict[str, str]) -> Judgement:
    if row["groundable"] not in ("yes", "no") or not row["reason"]:
        raise ValueError(f"{where}: groundable must be yes or no, and the reason may not be empty.")
    groundable = row["groundable"] == "yes"
    if not groundable:
        if row["max_gsd"]:
            raise ValueError(f"{where}: a tag that is not groundable has no max_gsd.")
        return Judgement(False, None, row["reason"])
    try:
        gsd = float(row["max_gsd"])
    except ValueError:
        gsd = 0.0
    if gsd not in GSDS:
        steps = ", ".join(f"{step:g}" for step in GSDS)
        raise ValueError(f"{where}: max_gsd is {row['max_gsd']!r}; it must be one of {steps}.")
    return Judgement(True, gsd, row["reason"])


def shipped_rows(name: str, header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, row) of a shipped file; every row must have every column."""

    def check(columns: list[str]) -> None:
        if columns != header.split(","):
            raise ValueError(f"tag_vocab/{name}: its header must be {header}.")

    yield from csv_rows(f"tag_vocab/{name}", _bytes(name), check)


def csv_rows(
    name: str, data: bytes, check_header: Callable[[list[str]], None]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, row) of a CSV file in UTF-8; ``where`` names file and line for messages.

    Raises `ValueError` if it is no CSV file, or a row has more or fewer values than the header.
    """
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        check_header(list(reader.fieldnames or ()))
        for row in reader:
            where = f"{name}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(f"{where}: has more or fewer values than the header has columns.")
            yield where, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: is not a CSV file in UTF-8: {error}.") from error


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Give a table as the bytes of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


def _bytes(name: str) -> bytes:
    return (resources.files("tag_vocab") / name).read_bytes()
