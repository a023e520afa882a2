"""Tables `vocab` for the tests of the stages that look a tag up in one."""

import pyarrow as pa
import pyarrow.dataset as ds

from stages import tables

AS_SHIPPED = ds.dataset(tables.VOCAB.schema.empty_table())
"""Of a run whose user has no labels of their own: the shipped vocabulary decides."""


def vocab_with(*answers):
    """Give a table that says otherwise of some tags: (key, value, max_gsd or None[, phrase])."""
    rows = [
        {
            "tag": f"{key}={value}",
            "key": key,
            "value": value,
            "objects": 1,
            "kinds": "n",
            "groundable": gsd is not None,
            "probability": float(gsd is not None),
            "source": "own",
            "max_gsd": gsd,
            "phrase": phrase[0] if phrase else None,
            "reason": "the test says so",
        }
        for key, value, gsd, *phrase in answers
    ]
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.VOCAB.schema))
