"""Absent things: "Is there a church in the image?" and "No", or "The image shows a church", false.

``present(C)``, false: the table ``truth`` says that the image certainly does not show C. Without
that table nothing is said to be absent, because a map may lack it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skyscript.captions.object_names import verb_of, with_article
from stages.statements.claims import NO_CONCEPT, Claims, Kind, Said
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept


def _make(scenes: Scenes) -> Claims:
    none = np.zeros(len(scenes.lacking), np.int64)
    empty = np.zeros(0, np.int64)
    claims = Claims(scenes.lacking, scenes.absent, none + NO_CONCEPT, none, empty, none)
    return claims.take(np.flatnonzero(scenes.is_complete[claims.image]))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for the concept among all that the images show."""
    return np.asarray(scenes.group(scenes.keys(claims.image, claims.one)).sizes == 0)


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - always absent
    (one,) = concepts
    verb = verb_of(one, "is", "are")
    words = {"a": with_article(one), "name": one.name, "is": verb, "Is": verb.capitalize()}
    return Said(f"present({one.name})", words)


NOT_PRESENT = Kind(
    "not_present",
    _make,
    _holds,
    _say,
    ("The image shows {a}.", "There {is} {a} in the image."),
    "negative",
    ("The image shows no {name}.", "There {is} no {name} in the image."),
)
ASK_ABSENCE = replace(
    NOT_PRESENT,
    name="ask_absence",
    role="question",
    phrasings=("{Is} there {a} in the image?", "Does the image show {a}?"),
    seconds=("No.", "No."),
)
