"""The kinds of statements: one file each, with its checker."""

from stages.statements.kinds.count import COUNT
from stages.statements.kinds.cover import COVER
from stages.statements.kinds.direction import DIRECTION
from stages.statements.kinds.region import REGION
from stages.statements.kinds.relation import RELATION

KINDS = {kind.name: kind for kind in (COUNT, DIRECTION, COVER, RELATION, REGION)}
"""All kinds by name. A new kind is a file beside these and its name here."""
