"""The order in which the scenes of an object are tried, drawn from the seed and the object's id."""

from __future__ import annotations

import math

from skyscript import chance
from skyscript.imagery.scene_index import SceneIndex


def drawn_order(object_id: str, numbers: list[int], known: SceneIndex, seed: int) -> list[int]:
    """Put scenes in the order to try: sources by weighted draw, within a source at random.

    The weighted draw is that of Efraimidis and Spirakis: each source waits an exponential time at
    the rate of its weight, and the first to come is taken.
    """
    waits: dict[str, float] = {}
    draw = chance.draws(seed, object_id)
    for number in numbers:
        source = known.sources[number]
        if source not in waits:
            waits[source] = -math.log1p(-draw(f"source {source}")) / float(known.weights[number])

    def place(number: int) -> tuple[float, str, float, str]:
        source, scene_id = known.sources[number], known.scene_id(number)
        return waits[source], source, draw(f"scene {scene_id}"), scene_id

    return sorted(numbers, key=place)
