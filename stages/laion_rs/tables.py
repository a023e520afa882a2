"""The tables of the LAION-RS stages."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import Table
from stages.tables import FILES, STATUS

EXAMPLES = Table(
    "examples",
    pa.schema(
        [
            pa.field("filepath", pa.string(), nullable=False),  # remote_sensing/… or other/…
            pa.field("remote_sensing", pa.bool_(), nullable=False),
            pa.field("vector", pa.list_(pa.float32())),  # of the image; null if not ok
            pa.field("content_hash", pa.string()),  # blake2b-128 of the file, hex; null if not ok
            *STATUS,
        ]
    ),
    key="filepath",
)
"""An image that a person sorted: remote sensing or not."""

CLASSIFIER = Table(
    "classifier",
    pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("weights", pa.list_(pa.float64()), nullable=False),  # of a vector's numbers
            pa.field("intercept", pa.float64(), nullable=False),
            # cross-validated probabilities of the examples, ascending
            pa.field("remote_sensing", pa.list_(pa.float64()), nullable=False),
            pa.field("other", pa.list_(pa.float64()), nullable=False),
            pa.field("auc", pa.float64(), nullable=False),  # area under the ROC curve of these
            pa.field("average_precision", pa.float64(), nullable=False),  # also of these
        ]
    ),
    key="name",
)
"""The one classifier of a job, with its cross-validation."""

JUDGED = Table(
    "judged",
    pa.schema(
        [
            pa.field("row", pa.int64(), nullable=False),  # as in pairs
            pa.field("probability", pa.float64()),  # of remote sensing; null if not ok
            pa.field("content_hash", pa.string()),  # blake2b-128 of the image file, hex
            pa.field("image_hash", pa.string()),  # of the look of the image, 64 bits in hex
            pa.field("vectors", pa.string()),  # folder of the vector, relative to the job's
            *STATUS,
        ]
    ),
    key="row",
)
"""A pair from the web, with the probability that its image is a remote-sensing image."""

LAION_RS = Table("laion_rs", FILES.schema, key="filepath")
"""The CSV of the kept pairs, its report, and the images if they came from shards."""
