"""Align: the shift of each scene, from the shifts of its images.

The shift of a scene is the median of its images' shifts, separately to the east and to the north.
`overlay` moves the boxes of the images by the shifts that are to be corrected.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.scratch import database, scratch
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from stages import tables
from stages.align.config import AlignConfig

_SHIFTS = """
    WITH sure AS (
        SELECT *, coalesce(match_confidence >= $min_confidence, false) AS is_sure
        FROM match WHERE status = 'ok'
    ), middle AS (
        SELECT scene_id, any_value(source) AS source, count(*)::INT AS images,
            (count(*) FILTER (is_sure))::INT AS sure_images, median(match) AS match,
            median(dx_m) FILTER (is_sure) AS dx_m, median(dy_m) FILTER (is_sure) AS dy_m
        FROM sure GROUP BY scene_id
    ), apart AS (
        SELECT middle.scene_id,
            median(sqrt((s.dx_m - middle.dx_m) ** 2 + (s.dy_m - middle.dy_m) ** 2)) AS spread_m
        FROM middle JOIN sure AS s ON s.scene_id = middle.scene_id AND s.is_sure
        GROUP BY middle.scene_id
    ), said AS (
        SELECT *, CASE WHEN sure_images = 0 THEN 'no image has a sure shift'
            WHEN sure_images < $min_images THEN 'too few images have a sure shift'
            WHEN spread_m > $max_spread THEN 'the images do not agree' END AS no_shift
        FROM middle LEFT JOIN apart USING (scene_id)
    )
    SELECT scene_id, source, images, sure_images, round(match, 4) AS match,
        CASE WHEN no_shift IS NULL THEN round(dx_m, 2) + 0 END AS dx_m,
        CASE WHEN no_shift IS NULL THEN round(dy_m, 2) + 0 END AS dy_m,
        round(spread_m, 2) AS spread_m, no_shift,
        no_shift IS NULL AND $correct AS corrected
    FROM said ORDER BY scene_id
"""
"""Adding 0 makes 0 of -0: which of the two a median is depends on the order of the rows."""


def align(match: ds.Dataset, *, config: AlignConfig, root: Place) -> Iterator[pa.Table]:
    """Give each scene the shift on which its images agree, or the reason why there is none."""
    with scratch(root, "align") as folder, database(folder) as connection:
        connection.register("match", match)
        limits = config.model_dump(exclude={"shifts"})
        limits |= {"correct": config.shifts == "correct"}
        found = connection.sql(_SHIFTS, params=limits).to_arrow_table().combine_chunks()
        yield found.cast(tables.SCENE_SHIFTS.schema)


ALIGN = DatasetStage(
    "align",
    align,
    AlignConfig,
    reads=(tables.MATCH,),
    writes=tables.SCENE_SHIFTS,
)
