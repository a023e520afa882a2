"""Options of export-data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig

Format = Literal["webdataset", "parquet", "zips", "coco", "llava", "choices", "stac"]


class ExportConfig(StageConfig):
    """The formats to write, the pairs to write, and their order."""

    formats: tuple[Format, ...] = Field(
        ("webdataset", "parquet"),
        min_length=1,
        description="Write these formats. `webdataset`: tars, for open_clip and webdataset. "
        "`parquet`: tables that embed the images, for the datasets library. `zips`: images2.zip … "
        "meta7.zip and CSVs, as published. `coco`, `llava` and `choices`: the images, and for "
        "each split a JSON file of captions (`coco`), of conversations (`llava`), or of questions "
        "with a true sentence among false ones (`choices`). `stac`: an index of the tiles in "
        "STAC-GeoParquet.",
    )
    captions: tuple[ConfigPath, ...] = Field(
        (),
        description="Export the pairs of these captions files of the run, with their captions. The "
        "file's name gives the split: test, val, or else train. By default, all captioned images "
        "are exported as the split train.",
    )
    only_sources: tuple[str, ...] = Field(
        (), description="Export only images of these sources (aliases). By default, export all."
    )
    seed: int = Field(
        0, description="Seed the global shuffle of the pairs: the same seed gives the same bytes."
    )
    per_file: int = Field(
        1000, ge=1, description="Put at most this many pairs into a tar or a Parquet file."
    )
    judged: tuple[ConfigPath, ...] = Field(
        (),
        description="Put the precision that `judge` measured into the card. Name the folders that "
        "it wrote for this run: of captions, of statements, or of both.",
    )
    name: str = Field(
        "",
        description="Give the dataset this name in its card. By default, it is the folder's name.",
    )
    images: Literal["link", "copy"] = Field(
        "link",
        description="Where a format has images as files, make hard links to those of the run if "
        "the disk allows it (`link`), or copy them (`copy`).",
    )
    licences: dict[str, str] = Field(
        {}, description="Map the alias of each source of your own to its licence, in words."
    )
    attributions: dict[str, str] = Field(
        {}, description="The line that every copy of a source of your own must show, by its alias."
    )
