"""The tags that alone decide whether a text is right: what a verdict says of the vocabulary.

A label of a tag says whether, and up to which GSD, the tag can be seen. A caption of a focus object
says all its visible tags. Of statements, two kinds say that something can be seen and nothing else:
``ask_presence`` and ``attribute``. A number may be wrong because the map lacks a thing, a share, a
place, a direction or a relation because the map lies a little beside the image, a superlative
because of another thing; and a negative that is rightly found wrong does not show that its true
sentence can be seen. From these nothing follows for a tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import pyarrow.compute as pc
import pyarrow.dataset as ds

from skyscript.files.verdicts import CAPTION
from skyscript.osm.tags import Tags, tags_of
from stages.judged.units import Unit
from tag_vocab import tags_showing
from tag_vocab.concepts_of import Kind

_PRESENCE, _ATTRIBUTE = "ask_presence", "attribute"


def deciding_tags(meta: ds.Dataset, units: Sequence[Unit]) -> list[Tags]:
    """Give for each text the tags that must be visible for it to be right, and that suffice.

    There are none for a statement that says more. If other things of an image show the concept,
    too, the right answer may be due to them: a tag may be spared for it, but none is blamed.
    """
    known = dict(_tags_of_objects(meta, [unit for unit in units if _concept_of(unit)]))
    return [unit.tags if unit.kind == CAPTION else _of_statement(unit, known) for unit in units]


def _of_statement(unit: Unit, known: Mapping[tuple[str, str], Tags]) -> Tags:
    name = _concept_of(unit)
    if not name or len(unit.rests_on) != 1:
        return ()
    (thing,) = unit.rests_on
    tags = dict(known.get((unit.object_id, thing), ()))
    return tuple(tags_showing(name, tags, cast(Kind, thing[0])))


def _concept_of(unit: Unit) -> str:
    """Give the name of what can be seen if a statement is right; empty if the kind says more."""
    names = unit.claim.partition("(")[2].removesuffix(")")
    if unit.kind == _ATTRIBUTE:  # attribute(tennis court, clay surface)
        return names.rpartition(", ")[2]
    return names if unit.kind == _PRESENCE else ""  # present(church)


def _tags_of_objects(
    meta: ds.Dataset, units: Sequence[Unit]
) -> Iterator[tuple[tuple[str, str], Tags]]:
    """Yield the visible tags of all objects in the images of some texts: (image, object), tags."""
    if not units:
        return
    images = sorted({unit.object_id for unit in units})
    wanted = pc.field("object_id").isin(images)
    columns = ["object_id", "center_tags", "surrounding"]
    for batch in meta.to_batches(columns=columns, filter=wanted):
        names = batch.column("object_id").to_pylist()
        for name, tags in zip(names, tags_of(batch.column("center_tags")), strict=True):
            yield (name, name), tags
        around = batch.column("surrounding")
        of = pc.list_parent_indices(around).to_pylist()
        things = pc.list_flatten(around)
        ids, tags = pc.struct_field(things, "object_id"), pc.struct_field(things, "tags")
        for image, thing, own in zip(of, ids.to_pylist(), tags_of(tags), strict=True):
            yield (names[image], thing), own
