"""Questions on what statements say, with their answers."""

from __future__ import annotations

from dataclasses import replace

from stages.statements.kinds.count import COUNT
from stages.statements.kinds.cover import COVER

ASK_COUNT = replace(
    COUNT,
    name="ask_count",
    role="question",
    phrasings=("How many {plural} are there?", "Count the {plural} in the image."),
    seconds=("{Number}.", "{Number}."),
)
ASK_AREA = replace(
    COVER,
    name="ask_area",
    role="question",
    phrasings=(
        "What share of the image do {things} cover?",
        "How much of the area is covered by {things}?",
    ),
    seconds=("About {percent} percent.", "About {percent} percent."),
)
