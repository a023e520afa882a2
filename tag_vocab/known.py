"""Which tags are known to be used: makes ``universe.csv``, ``deprecated.csv``, ``id_words.csv``.

For whoever renews them: from the folder ``dist`` of the npm package
@openstreetmap/id-tagging-schema, and from OSM extracts. What is free text or rare is left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tag_vocab import files
from tag_vocab.likeness import Tag
from tag_vocab.vocabulary import is_word, key_rule

_LEAST = 5
"""A tag that nobody judged must occur so often in the extracts."""
_MOST_TERMS = 8
"""Search terms of a preset that are kept: the first say the most."""
_SURE_KINDS = 20
"""From so many objects on, the extracts say on which kinds a tag stands; below, iD says it too."""
_SHARE = 0.1
"""A kind that has less of a tag's objects is taken for a slip."""
_KIND_OF = {"point": "n", "vertex": "n", "line": "w", "area": "a"}

Kinds = dict[Tag, Counter[str]]


def deprecations(schema: Path) -> bytes:
    """Give ``deprecated.csv`` from iD's deprecated.json."""
    rules = json.loads((schema / "deprecated.json").read_text("utf-8"))
    rows = ([_joined(rule["old"]), _joined(rule.get("replace", {}))] for rule in rules)
    return _table(["old", "new"], rows)


def id_words(schema: Path) -> bytes:
    """Give ``id_words.csv``: what iD calls a tag or a key in English, and what else finds it."""
    english = json.loads((schema / "translations/en.json").read_text("utf-8"))["en"]["presets"]
    presets = json.loads((schema / "presets.json").read_text("utf-8"))
    fields = json.loads((schema / "fields.json").read_text("utf-8"))
    said = {**_field_words(fields, english["fields"]), **_preset_words(presets, english["presets"])}
    return _table(["key", "value", "words"], ([*tag, said[tag]] for tag in sorted(said)))


def _preset_words(presets: dict[str, Any], english: dict[str, Any]) -> dict[Tag, str]:
    """Give a tag's name and first search terms, of the preset that asks for the fewest others."""
    found: dict[Tag, str] = {}
    for name in sorted(presets, key=lambda name: (len(presets[name]["tags"]), name)):
        own, said = list(presets[name]["tags"].items())[-1:], english.get(name, {})
        terms = [term.strip() for term in said.get("terms", "").split(",")[:_MOST_TERMS]]
        for tag in own:
            if tag[1] != files.ANY and not tag[0].startswith("@") and "name" in said:
                found.setdefault(tag, f"{said['name']}. {', '.join(filter(None, terms))}")
    return found


def _field_words(fields: dict[str, Any], english: dict[str, Any]) -> dict[Tag, str]:
    """Give the label of a key, as of any value, and of each value that a field offers."""
    found: dict[Tag, str] = {}
    for name, field in fields.items():
        said = english.get(name, {})
        for key in [field["key"]] if "key" in field else field.get("keys", []):
            if said.get("label"):
                found.setdefault((key, files.ANY), said["label"])
            for value, label in said.get("options", {}).items():
                title = label if isinstance(label, str) else label.get("title", "")
                if title and value != files.ANY:
                    found.setdefault((key, value), title)
    return found


def universe(schema: Path, extracts: Iterable[Path]) -> bytes:
    """Give ``universe.csv`` from iD's presets and fields, and from what OSM extracts hold."""
    in_id, drawn = _of_id(schema)
    counted = count_kinds(extracts)
    tags = {*in_id, *_of_extracts(counted, {key for key, _ in in_id})}
    rows = (
        [*tag, in_id.get(tag, ""), _kinds(counted.get(tag, Counter()), drawn.get(tag, set()))]
        for tag in sorted(tags)
    )
    return _table(["key", "value", "in_id", "kinds"], rows)


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
    """Yield what was judged or ranked, words that recur, and a word for each key never visible."""
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


def _table(header: list[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
