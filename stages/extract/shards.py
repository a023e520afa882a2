"""Reads the nodes, then the ways of a PBF file, shard by shard.

The places of all nodes of a shard go into a file in the run folder, which every shard of ways maps.
A part holds its objects in the order of the file, and first the row of the shard itself, which says
what lies between these objects, and names that file.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import Table
from pipeline.stage import Owned, Shard, ShardStage
from skyscript.osm.blocks.shard_rows import SHARD
from stages import tables
from stages.extract.blobs import work_of
from stages.extract.config import ExtractConfig
from stages.extract.inputs import external, osm_files, wanted_keys

FOLDER = "node_places"
"""The folder in the run folder with the places of the nodes."""


def read_nodes(blobs: pa.Table, *, config: ExtractConfig, shard: Shard) -> pa.Table:
    """Read the nodes of a range of blobs: rows of the wanted ones, and a file of all places.

    If libosmium must read the file, the part says why. Raises `InputError` if it is damaged.
    """
    from skyscript.osm.blocks.errors import NotTakenError
    from skyscript.osm.blocks.places import NewPlaces
    from skyscript.osm.blocks.reader import Span, open_blocks
    from stages.extract.columns import rows_of_nodes

    (path,), given = osm_files(config), work_of(blobs)
    places, span, name = NewPlaces(), Span(), f"{FOLDER}/{shard.index:05d}.bin"
    if given.left:
        return _part(tables.NODES, shard, left=given.left)
    try:
        with open_blocks(path, wanted_keys(config)) as file:
            rows = [rows_of_nodes(*each) for each in file.nodes(given.nodes, places, span)]
    except NotTakenError as reason:
        return _part(tables.NODES, shard, left=str(reason))
    places.write(shard.root / name)
    size = (shard.root / name).stat().st_size
    said = {"first": span.first, "last": span.last, "places": name, "places_size": size}
    return _part(tables.NODES, shard, rows, **said)


def read_ways(
    blobs: pa.Table, nodes: ds.FileSystemDataset, *, config: ExtractConfig, shard: Shard
) -> pa.Table:
    """Read the ways of a range of blobs: rows of the wanted ones, and the members of areas.

    If libosmium must read the file, the part says why. Raises `InputError` if it is damaged.
    """
    from skyscript.osm.blocks.aside import Aside
    from skyscript.osm.blocks.errors import NotTakenError
    from skyscript.osm.blocks.reader import Span, open_blocks
    from skyscript.osm.blocks.shard_rows import map_places
    from stages.extract.columns import rows_of_ways

    (path,), given = osm_files(config), work_of(blobs)
    places, span, members = map_places(shard.root, nodes), Span(), BytesIO()
    if isinstance(places, str):
        return _part(tables.WAYS, shard, left=places)
    try:
        with open_blocks(path, wanted_keys(config)) as file:
            found = file.ways(given.ways, given.members, places, Aside(members), span)
            rows = [rows_of_ways(each) for each in found]
    except NotTakenError as reason:
        return _part(tables.WAYS, shard, left=str(reason))
    said = {"first": span.first, "last": span.last, "members": members.getvalue()}
    return _part(tables.WAYS, shard, rows, **said)


def _part(table: Table, shard: Shard, rows: Sequence[pa.Table] = (), **said: object) -> pa.Table:
    """Put the row of a shard before the rows of its objects."""
    own = {"kind": SHARD, "osm_id": -1 - shard.index, "tags": [], "geom_rule": ""} | said
    pieces = [pa.table({name: [own.get(name)] for name in table.schema.names}, table.schema)]
    for objects in rows:
        more = table.schema.names[len(objects.column_names) :]
        nulls = [pa.nulls(len(objects), table.schema.field(name).type) for name in more]
        pieces.append(pa.table([*objects.columns, *nulls], schema=table.schema))
    return pa.concat_tables(pieces)


NODES = ShardStage(
    "nodes",
    read_nodes,
    ExtractConfig,
    reads=(tables.BLOBS,),
    writes=tables.NODES,
    owns=(Owned(f"{FOLDER}/*.bin", "places", size="places_size"),),
    external=external,
    block_of="extract",
    version=2,
)
WAYS = ShardStage(
    "ways",
    read_ways,
    ExtractConfig,
    reads=(tables.BLOBS,),
    looks_up=(tables.NODES,),
    writes=tables.WAYS,
    external=external,
    block_of="extract",
    version=3,
)
