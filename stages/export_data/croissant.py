"""Croissant 1.0 JSON-LD of an export, with terms of GeoCroissant 1.0 and Croissant RAI 1.0.

The terms of RAI (responsible AI) state biases and the judged precision as sentences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from stages.export_data import parquet
from stages.export_data.card import COLUMNS, MAPPED
from stages.export_data.figures import Figures, Share
from stages.export_data.judged import Judged
from stages.export_data.pairs import PAIR, Pairs

_PAPER = (
    "@inproceedings{wang2024skyscript, title={SkyScript: A Large and Semantically Diverse "
    "Vision-Language Dataset for Remote Sensing}, author={Wang, Zhecheng and Prabha, Rajanie and "
    "Huang, Tianyuan and Wu, Jiajun and Rajagopal, Ram}, booktitle={AAAI}, year={2024}}"
)
_ODBL = "https://opendatacommons.org/licenses/odbl/1-0/"
_FORMATS = {
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
    ".zip": "application/zip",
    ".csv": "text/csv",
    ".json": "application/json",
}
_TYPES = {
    pa.string(): "sc:Text",
    pa.float64(): "sc:Float",
    pa.float32(): "sc:Float",
    pa.int32(): "sc:Integer",
    pa.timestamp("s", tz="UTC"): "sc:DateTime",
}


def describe(
    name: str,
    pairs: Pairs,
    figures: Figures,
    judged: Sequence[Judged],
    digests: Mapping[str, str],
) -> dict[str, Any]:
    """Describe the files (path -> SHA-256), and the records if there is Parquet."""
    context = files("stages.export_data").joinpath("croissant_context.json").read_text("utf-8")
    west, south, east, north = figures.bounds
    first, last = figures.years
    splits = [split for split in pairs.counts if any(_in_split(path, split) for path in digests)]
    return {
        "@context": json.loads(context),
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/geo/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": name,
        "description": (
            f"{figures.pairs:,} images of the Earth with captions made from OpenStreetMap tags. "
            "© OpenStreetMap contributors; each image has the licence of its source."
        ),
        "license": [_ODBL, *sorted({one.licence for one in pairs.licences})],
        "url": "https://arxiv.org/abs/2312.12856",
        "citeAs": _PAPER,
        "version": "1.0.0",
        "spatialCoverage": {
            "@type": "sc:Place",
            "geo": {"@type": "sc:GeoShape", "box": f"{south} {west} {north} {east}"},
        },
        "temporalCoverage": f"{first}-01-01/{last}-12-31",
        "geocr:coordinateReferenceSystem": "EPSG:4326",
        "geocr:spatialResolution": {
            "@type": "sc:QuantitativeValue",
            "minValue": figures.gsds[0],
            "maxValue": figures.gsds[1],
            "unitText": "m",
        },
        "rai:dataBiases": _biases(figures),
        **({"rai:dataAnnotationAnalysis": [one.sentence() for one in judged]} if judged else {}),
        "distribution": [*_files(digests), *(_file_set(split) for split in splits)],
        "recordSet": [_record_set(split) for split in splits],
    }


def _biases(figures: Figures) -> list[str]:
    """Give a sentence for each way in which the pairs are not spread evenly."""
    groups: dict[str, Sequence[Share]] = {
        "Parts of the world": figures.parts,
        "Sources": figures.sources,
        "GSDs": figures.by_gsd,
        "Years": figures.by_year,
    }
    return [
        MAPPED,
        *(
            f"{name} of the pairs: "
            + ", ".join(f"{one.value} {100 * one.share:.1f} %" for one in shares)
            + "."
            for name, shares in groups.items()
        ),
    ]


def _in_split(path: str, split: str) -> bool:
    return path.startswith(f"{parquet.FOLDER}/{split}-")


def _files(digests: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe each file but those that a set of files holds."""
    return [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": path,
            "encodingFormat": _FORMATS[PurePosixPath(path).suffix],
            "sha256": digest,
        }
        for path, digest in digests.items()
    ]


def _file_set(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-parquet",
        "name": f"{split}-parquet",
        "description": f"The Parquet files of the split {split}.",
        "encodingFormat": _FORMATS[".parquet"],
        "includes": f"{parquet.FOLDER}/{split}-*.parquet",
    }


def _record_set(split: str) -> dict[str, Any]:
    image = _field(split, "image", "sc:ImageObject", "the image, a JPEG")
    image["source"]["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"The pairs of the split {split}.",
        "field": [image, *(_column_field(split, column) for column in PAIR)],
    }


def _column_field(split: str, column: pa.Field) -> dict[str, Any]:
    repeated = pa.types.is_list(column.type)
    kind = column.type.value_type if repeated else column.type
    field = _field(split, column.name, _TYPES[kind], COLUMNS[column.name])
    return field | {"repeated": True} if repeated else field


def _field(split: str, column: str, kind: str, about: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column}",
        "name": column,
        "description": about,
        "dataType": kind,
        "source": {"fileSet": {"@id": f"{split}-parquet"}, "extract": {"column": column}},
    }
