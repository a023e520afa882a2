"""Statements: sentences on an image that the geometry of its OSM objects proves.

Each kind of statement makes claims on the images of a shard and checks them in another way; a claim
that its check does not confirm is an error of the program. The choice among many claims, and the
wording, are drawn by a hash of the seed, the image and the claim. Images on a native grid, which
need not be north-up, get no statement.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.stage import Shard, ShardStage
from skyscript.vocabulary import vocabulary
from stages import tables
from stages.statements.choice import Choice
from stages.statements.config import StatementsConfig
from stages.statements.kinds import KINDS
from stages.statements.making import make_scenes, usable
from stages.statements.wording import to_rows


def statements(
    meta: pa.Table,
    images: pa.Table,
    objects: ds.Dataset,
    *,
    config: StatementsConfig,
    shard: Shard,  # noqa: ARG001
    truth: pa.Table | None = None,
) -> pa.Table:
    """Make the statements of each ok image that is on the EPSG:3857 grid.

    What is absent is stated only if the run makes the table ``truth``.
    """
    rows = usable(meta, images)
    if not len(rows):
        return tables.STATEMENTS.schema.empty_table()
    scenes = make_scenes(rows, objects, truth)
    choice = Choice(scenes, config.seed, config.per_kind)
    chosen = [choice.of(KINDS[name]) for name in dict.fromkeys(config.kinds)]
    return to_rows(chosen, scenes, rows["filepath"])


def disabled(config: StatementsConfig) -> str | None:
    """Give the reason not to make statements if the config names no kind."""
    if config.kinds:
        return None
    return f"the config asks for none; set statements.kinds to some of {', '.join(KINDS)}"


def needs(config: StatementsConfig) -> dict[str, str]:
    """Give the table ``truth`` if the config names kinds on absent things."""
    absent = [kind for kind in ("ask_absence", "not_present") if kind in config.kinds]
    return {tables.TRUTH.name: f"statements.kinds: {absent[0]}"} if absent else {}


STATEMENTS = ShardStage(
    "statements",
    statements,
    StatementsConfig,
    reads=(tables.META, tables.IMAGES),
    looks_up=(tables.OBJECTS,),
    may_read=(tables.TRUTH,),
    writes=tables.STATEMENTS,
    external=vocabulary,
    disabled=disabled,
    needs=needs,
    may_be_empty=True,
    version=7,
)
