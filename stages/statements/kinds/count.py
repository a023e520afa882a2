"""Counts, as in "There are three tennis courts".

``count(C) = n``: n of the visible OSM objects show C or a kind of C. Stated only where the extract
is complete, no further C is at the edge of the image, and nothing may be C by a more general name
(a building may be a house); of concepts whose things OSM draws one by one, and where no two of
these objects overlap (a thing that is drawn twice).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyscript.captions.object_names import is_counted, number_word
from stages.statements.claims import Claims, Kind, Said, of_groups
from stages.statements.scenes import Bools, Groups, Scenes, distinct, once
from tag_vocab import Concept


@once
def countable(scenes: Scenes) -> Groups:
    """Give the groups of things whose number is known."""
    image, name = np.divmod(scenes.named, len(scenes.concepts.all))
    keys = scenes.named[scenes.all_known(image, name) & scenes.concepts.those(is_counted)[name]]
    groups = scenes.group(keys)
    groups = scenes.group(keys[groups.none(scenes.dimensions == 1)])
    return scenes.group(np.setdiff1d(groups.keys, scenes.overlaps[1]))


def _make(scenes: Scenes) -> Claims:
    groups = countable(scenes)
    return of_groups(scenes, groups, groups.sizes)


def counts_hold(claims: Claims, scenes: Scenes) -> Bools:
    """Look at all things of the images, and count the distinct objects that show the concepts."""
    claim, thing = scenes.all_things(claims.image)
    shown = scenes.concepts.shows[scenes.listed[thing], claims.one[claim]]
    objects = np.column_stack([claim, scenes.object[thing]])[shown]
    number = np.bincount(distinct(objects)[:, 0], minlength=len(claims.image))
    return np.asarray((number == claims.value) & (claims.sizes == claims.value))


def _say(concepts: Sequence[Concept], number: int) -> Said:
    (one,) = concepts
    word = number_word(number) if number > 1 else "one"
    said = f"{word} {one.name if number == 1 else one.plural}"
    words = {"said": said, "Said": said.capitalize(), "are": "is" if number == 1 else "are"}
    words |= {"plural": one.plural, "Number": word.capitalize()}
    return Said(f"count({one.name}) = {number}", words)


_PHRASINGS = ("There {are} {said}.", "{Said} {are} visible.", "The image shows {said}.")
COUNT = Kind("count", _make, counts_hold, _say, _PHRASINGS)
