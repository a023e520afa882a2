"""Parquet that embeds the images, with the metadata of features of the `datasets` library."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.export_data.pairs import PAIR, Pairs

FOLDER = "data"
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_GROUP = 100
"""Rows in a row group: a reader that streams holds the images of one."""
_DTYPES = {pa.float64(): "float64", pa.float32(): "float32"}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """Describe a column as `datasets.Features` does; ``Sequence`` is read by all its versions."""
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    return {"dtype": _DTYPES.get(kind, str(kind)), "_type": "Value"}


def embedded_schema() -> pa.Schema:
    """Give the schema of the files: the column ``image``, then those of a pair."""
    features = {"image": {"_type": "Image"}} | {one.name: _feature(one.type) for one in PAIR}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema([pa.field("image", _IMAGE), *PAIR], metadata=metadata)


def write_parquet(pairs: Pairs, out: Path, per_file: int) -> list[str]:
    """Write ``data/train-00000-of-00004.parquet`` ...; give their paths."""
    (out / FOLDER).mkdir()
    schema = embedded_schema()
    names = []
    for split in pairs.counts:
        rows = pairs.rows(split)
        for number, total, size in pairs.in_files(split, per_file):
            name = f"{FOLDER}/{split}-{number:05}-of-{total:05}.parquet"
            own = itertools.islice(rows, size)
            # JPEGs do not compress further.
            codecs = dict.fromkeys(["image.bytes"], "NONE") | dict.fromkeys(
                ["image.path", *_leaves()], "ZSTD"
            )
            with pq.ParquetWriter(out / name, schema, compression=codecs) as writer:
                while group := list(itertools.islice(own, _GROUP)):
                    writer.write_table(_embed(pairs, group, schema))
            names.append(name)
    return names


def _leaves() -> list[str]:
    return [f"{one.name}.list.element" if pa.types.is_list(one.type) else one.name for one in PAIR]


def _embed(pairs: Pairs, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    full = [
        {
            **row,
            "image": {
                "bytes": pairs.read_image(row),
                "path": row["filepath"].rpartition("/")[2],
            },
        }
        for row in rows
    ]
    return pa.Table.from_pylist(full, schema=schema)
