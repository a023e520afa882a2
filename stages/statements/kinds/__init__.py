"""The kinds of statements: one file each, with its checker."""

from stages.statements.kinds.absent import ASK_ABSENCE, NOT_PRESENT
from stages.statements.kinds.ask import ASK_AREA, ASK_COUNT
from stages.statements.kinds.ask_comparison import ASK_COMPARISON
from stages.statements.kinds.ask_direction import ASK_DIRECTION
from stages.statements.kinds.ask_inside import ASK_INSIDE
from stages.statements.kinds.ask_presence import ASK_PRESENCE
from stages.statements.kinds.attribute import ATTRIBUTE
from stages.statements.kinds.count import COUNT
from stages.statements.kinds.cover import COVER
from stages.statements.kinds.crossing import CROSSING
from stages.statements.kinds.date import DATE
from stages.statements.kinds.direction import DIRECTION
from stages.statements.kinds.distance import DISTANCE
from stages.statements.kinds.gsd import GSD
from stages.statements.kinds.not_attribute import NOT_ATTRIBUTE
from stages.statements.kinds.not_count import NOT_COUNT
from stages.statements.kinds.not_direction import NOT_DIRECTION
from stages.statements.kinds.not_relation import NOT_RELATION
from stages.statements.kinds.referring import REFERRING
from stages.statements.kinds.region import REGION
from stages.statements.kinds.relation import RELATION
from stages.statements.kinds.season import SEASON

KINDS = {
    kind.name: kind
    for kind in (
        *(COUNT, DIRECTION, DISTANCE, COVER, RELATION, CROSSING, REGION, REFERRING, ATTRIBUTE),
        *(ASK_PRESENCE, ASK_ABSENCE, ASK_COUNT, ASK_COMPARISON, ASK_DIRECTION, ASK_INSIDE),
        *(ASK_AREA, NOT_PRESENT, NOT_COUNT, NOT_DIRECTION, NOT_RELATION, NOT_ATTRIBUTE),
        *(GSD, SEASON, DATE),
    )
}
"""All kinds by name. A new kind is a file beside these and its name here."""
