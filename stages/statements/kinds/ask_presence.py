"""Questions on presence: "Is there a church in the image?" and "Yes".

``present(C)``: a visible OSM object shows C. For what is absent, see ``absent``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyscript.captions.object_names import verb_of, with_article
from stages.statements.claims import Claims, Kind, Said, of_things
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept


def _make(scenes: Scenes) -> Claims:
    keys = scenes.keys(scenes.image, scenes.name)
    _, things = np.unique(keys, return_index=True)
    return of_things(scenes, things, np.ones(len(things), np.int64))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Look for the concept among all that the thing shows."""
    shown = scenes.concepts.shows[scenes.listed[claims.things], claims.one]
    return np.asarray(shown & (scenes.image[claims.things] == claims.image))


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - always present
    (one,) = concepts
    words = {"a": with_article(one), "Is": verb_of(one, "Is", "Are")}
    return Said(f"present({one.name})", words)


_PHRASINGS = ("{Is} there {a} in the image?", "Does the image show {a}?")
ASK_PRESENCE = Kind("ask_presence", _make, _holds, _say, _PHRASINGS, "question", ("Yes.", "Yes."))
