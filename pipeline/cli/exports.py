"""The command that exports a run in the formats of other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.data import PANEL
from pipeline.cli.options import Fields, Given, command
from pipeline.cli.working import interruptible, print_lines
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    pass

_FIELDS = Fields(
    "stages.export_data:ExportConfig",
    only=("formats", "captions", "only_sources", "seed", "per_file", "judged", "name", "images"),
    names={"formats": "format"},
)

app = typer.Typer()


@command(app, _FIELDS, panel=PANEL)
def export_data(
    run: Annotated[Path, typer.Argument(help="Export the pairs of the run in this folder.")],
    given: Given,
    out: Annotated[
        Path, typer.Option(help="Write the export to this folder. It appears when it is complete.")
    ],
    licence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALIAS=TEXT",
            help="State the licence of a source of your own. Repeat the option for more sources.",
        ),
    ] = None,
    attribution: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALIAS=TEXT", help="State the line that every copy of its images must show."
        ),
    ] = None,
) -> None:
    """Export a run for other libraries, globally shuffled, with a dataset card and the licences.

    The pairs of a run are sorted by place, so neighbouring pairs show the same ground. The export
    sorts them by a hash of the seed and the image's path. README.md is the dataset card,
    croissant.json describes the files, and licences.csv has the terms for copies of each source.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import tables
    from stages.export_data import ExportConfig, RunTables
    from stages.export_data import export_data as export

    values = dict(given)
    values["licences"] = _by_alias("--licence", licence or ())
    values["attributions"] = _by_alias("--attribution", attribution or ())
    config = config_of_block(None, ExportConfig, values, "export-data")
    opened = Run(run)
    read = RunTables(
        captions=opened.table(tables.CAPTIONS.name),
        images=opened.table_of_today(tables.IMAGES),
        meta=opened.table(tables.META.name),
        objects=opened.table(tables.OBJECTS.name),
        scores=opened.table_if_whole(tables.SCORES.name),
        statements=opened.table_if_whole(tables.STATEMENTS.name),
        truth=opened.table_if_whole(tables.TRUTH.name),
    )
    with interruptible():
        done = export(run, read, out.absolute(), config)
    print_lines(done.lines())


def _by_alias(option: str, words: Sequence[str]) -> dict[str, str]:
    """Read ``ALIAS=TEXT`` words. Raises `ConfigError`."""
    found = {}
    for word in words:
        alias, separator, text = word.partition("=")
        if not (alias and separator and text.strip()):
            raise ConfigError(f"{option} {word}: write it as ALIAS=TEXT")
        found[alias] = text.strip()
    return found
