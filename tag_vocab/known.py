"""Makes ``universe.csv``, ``deprecated.csv`` and ``id_words.csv`` from iD's schema and OSM data.

Maintainers run it on the folder ``dist`` of the npm package @openstreetmap/id-tagging-schema and on
OSM extracts. Free text and rare tags are left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tag_vocab import files
from tag_vocab.likeness import Tag
from tag_vocab.vocabulary import is_word, key_rule

_LEAST = 5
"""The least count in the extracts for a tag without a label."""
_MOST_TERMS = 8
"""Search terms kept for each preset; the first ones mean the most."""
_SURE_KINDS = 20
"""With at least this many objects, the extracts alone decide a tag's kinds; else iD adds some."""
_SHARE = 0.1
"""A kind with a smaller share of a tag's objects counts as a mapping error."""
_KIND_OF = {"point": "n", "vertex": "n", "line": "w", "area": "a"}

Kinds = dict[Tag, Counter[str]]


def renew(schema: Path, extracts: Iterable[Path], folder: Path) -> None:
    """Write the three files into ``folder``; then run `skyscript vocab build`."""
    for name, data in (
        ("universe.csv", universe(schema, extracts)),
        ("deprecated.csv", deprecations(schema)),
        ("id_words.csv", id_words(schema)),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def deprecations(schema: Path) -> bytes:
    """Give ``deprecated.csv`` from iD's deprecated.json."""
    rules = json.loads((schema / "deprecated.json").read_text("utf-8"))
    rows = ([_joined(rule["old"]), _joined(rule.get("replace", {}))] for rule in rules)
    return files.as_csv(["old", "new"], rows)


def id_words(schema: Path) -> bytes:
    """Give ``id_words.csv``: iD's English name and search terms of a tag or a key."""
    english = json.loads((schema / "translations/en.json").read_text("utf-8"))["en"]["presets"]
    presets = json.loads((schema / "presets.json").read_text("utf-8"))
    fields = json.loads((schema / "fields.json").read_text("utf-8"))
    words = {
        **_field_words(fields, english["fields"]),
        **_preset_words(presets, english["presets"]),
    }
    return files.as_csv(["key", "value", "words"], ([*tag, words[tag]] for tag in sorted(words)))


def _preset_words(presets: dict[str, Any], english: dict[str, Any]) -> dict[Tag, str]:
    """Give the name and first search terms of a tag, from its preset with the fewest tags."""
    found: dict[Tag, str] = {}
    for name in sorted(presets, key=lambda name: (len(presets[name]["tags"]), name)):
        own, words = list(presets[name]["tags"].items())[-1:], english.get(name, {})
        terms = [term.strip() for term in words.get("terms", "").split(",")[:_MOST_TERMS]]
        for tag in own:
            if tag[1] != files.ANY and not tag[0].startswith("@") and "name" in words:
                found.setdefault(tag, f"{words['name']}. {', '.join(filter(None, terms))}")
    return found


def _field_words(fields: dict[str, Any], english: dict[str, Any]) -> dict[Tag, str]:
    """Give the label of each key (as any value) and of each value that a field offers."""
    found: dict[Tag, str] = {}
    for name, field in fields.items():
        words = english.get(name, {})
        for key in [field["key"]] if "key" in field else field.get("keys", []):
            if words.get("label"):
                found.setdefault((key, files.ANY), words["label"])
            for value, label in words.get("options", {}).items():
                title = label if isinstance(label, str) else label.get("title", "")
                if title and value != files.ANY:
                    found.setdefault((key, value), title)
    return found


def universe(schema: Path, extracts: Iterable[Path]) -> bytes:
    """Give ``universe.csv`` from iD's presets and fields and from OSM extracts."""
    in_id, drawn = _of_id(schema)
    counted = count_kinds(extracts)
    tags = {*in_id, *_of_extracts(counted, {key for key, _ in in_id})}
    rows = (
        [*tag, in_id.get(tag, ""), _kinds(counted.get(tag, Counter()), drawn.get(tag, set()))]
        for tag in sorted(tags)
    )
    return files.as_csv(["key", "value", "in_id", "kinds"], rows)


def count_kinds(extracts: Iterable[Path]) -> Kinds:
    """Count a tag's objects: n nodes, w open ways, a closed ways and relations."""
    import osmium

    counted: Kinds = {}
    for path in extracts:
        for thing in osmium.FileProcessor(str(path)).with_filter(osmium.filter.EmptyTagFilter()):
            if isinstance(thing, osmium.osm.Way):
                kind = "a" if thing.is_closed() else "w"
            else:
                kind = "n" if isinstance(thing, osmium.osm.Node) else "a"
            for tag in thing.tags:
                counted.setdefault((tag.k, tag.v), Counter())[kind] += 1
    return counted


def _of_id(schema: Path) -> tuple[dict[Tag, str], dict[Tag, set[str]]]:
    """Give iD's tags with ``preset`` or ``field``, and the kinds that presets are drawn as."""
    in_id = dict.fromkeys(
        _options(json.loads((schema / "fields.json").read_text("utf-8"))), "field"
    )
    drawn: dict[Tag, set[str]] = {}
    for preset in json.loads((schema / "presets.json").read_text("utf-8")).values():
        tags = {**preset["tags"], **preset.get("addTags", {})}.items()
        plain = [tag for tag in tags if tag[1] != files.ANY and not tag[0].startswith("@")]
        in_id.update(dict.fromkeys(plain, "preset"))
        own = list(preset["tags"].items())[-1:]
        for tag in own:
            drawn.setdefault(tag, set()).update(
                _KIND_OF[shape] for shape in preset["geometry"] if shape in _KIND_OF
            )
    return in_id, drawn


def _options(fields: dict[str, Any]) -> Iterator[Tag]:
    """Yield the values that iD's fields offer; a field of many keys offers keys, not values."""
    for field in fields.values():
        if field["type"] == "multiCombo":
            continue
        for key in [field["key"]] if "key" in field else field.get("keys", []):
            for value in field.get("options") or []:
                if value and value != files.ANY and ";" not in value:
                    yield key, value


def _of_extracts(counted: Kinds, known: set[str]) -> Iterator[Tag]:
    """Yield labelled or counted tags, recurring words, and one word per never-visible key."""
    judged = files.labels().keys() | files.frequency().keys()
    often: dict[str, tuple[int, str]] = {}
    for tag, kinds in counted.items():
        count = kinds.total()
        rule = key_rule(tag[0])
        if tag in judged:
            yield tag
        elif count < _LEAST or not is_word(tag[1]) or (files.ANY, tag[1]) in judged:
            continue
        elif tag[0].isascii() and tag[0].isprintable():
            if rule is None or rule.rule != "never":
                yield tag
            elif tag[0] in files.key_rules() and tag[0] not in known:
                often[tag[0]] = max(often.get(tag[0], (0, "")), (count, tag[1]))
    yield from ((key, value) for key, (_, value) in often.items())


def _kinds(counted: Counter[str], drawn: set[str]) -> str:
    total = counted.total()
    on = {kind for kind, count in counted.items() if count >= _SHARE * total}
    if total < _SURE_KINDS:
        on |= drawn
    return "".join(kind for kind in "nwa" if kind in on)


def _joined(tags: dict[str, str]) -> str:
    return " + ".join(f"{key}={value}" for key, value in tags.items())
