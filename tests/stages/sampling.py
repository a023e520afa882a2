"""Objects made for the tests of `eligible` and `sample`, and both stages in one call."""

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import conform
from pipeline.stage import Shard
from stages import tables
from stages.eligible import EligibleConfig, find_eligible
from stages.outlines import OutlinesConfig, list_outlines
from stages.sample import SampleConfig, sample
from tests.stages.vocabularies import AS_SHIPPED

TREE, HOUSE, QUARRY = {"natural": "tree"}, {"building": "yes"}, {"landuse": "quarry"}


def objects(*rows, part_rows=1000):
    """Make the table of objects from (longitude, latitude, tags), in parts."""
    table = pa.Table.from_pylist(
        [
            {
                "object_id": f"n{number}",
                "kind": "n",
                "osm_id": number,
                "geometry": b"",
                **{"west": lon, "south": lat, "east": lon, "north": lat},
                "tags": list(tags.items()),
                "geom_rule": "node",
                "status": "ok",
            }
            for number, (lon, lat, tags) in enumerate(rows, start=1)
        ],
        schema=tables.OBJECTS.schema,
    )
    return dataset(table, part_rows)


def dataset(table, part_rows):
    return ds.dataset(
        [
            ds.dataset(table.slice(start, part_rows))
            for start in range(0, max(1, len(table)), part_rows)
        ]
    )


def outlined(sources=None):
    """Give the table of outlines of some sources."""
    config = OutlinesConfig.model_validate({"sources": sources or {}})
    parts = [
        conform(p, tables.OUTLINES, where="test") for p in list_outlines(config=config, root=None)
    ]
    return ds.dataset(pa.concat_tables(parts))


def eligible(made, vocab=AS_SHIPPED, sources=None, **config):
    """Find the eligible objects of each part; each must keep the contract."""
    areas = outlined(sources)
    return [
        conform(
            find_eligible(
                pa.Table.from_batches([part], schema=made.schema),
                areas,
                vocab,
                config=EligibleConfig(**config),
                shard=Shard(number, None),
            ),
            tables.ELIGIBLE,
            where="test",
        )
        for number, part in enumerate(made.to_batches())
    ]


def sampled(made, root, vocab=AS_SHIPPED, sources=None, **config):
    """Sample and give the whole table; each part must keep the contract."""
    own = {key: config.pop(key) for key in ("bbox", "gsd_slack", "min_extent") if key in config}
    found = eligible(made, vocab, sources, seed=config.get("seed", 0), **own)
    settings = SampleConfig(**config)
    parts = list(sample(made, ds.dataset(found), config=settings, root=root))
    for part in parts:
        conform(part, tables.FOCUS, where="test")
    return pa.concat_tables(parts)


def ids(table):
    return table["object_id"].to_pylist()


def cell_of(row):
    """Name a made object's cell of 0.01 degrees; they lie in the cells' middles."""
    return f"{round(row['west'] * 100 - 0.5)}/{round(row['south'] * 100 - 0.5)}"


def row_of_cells(count, tags=TREE):
    return [(7.005 + 0.01 * index, 43.005, tags) for index in range(count)]
