"""The commands `skyscript sources …`: list the sources of images, and test them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import command
from pipeline.cli.working import degrees, print_path
from pipeline.progress import print_plainly

app = typer.Typer(help="List the sources of images, and test whether they answer.")
PROJECT = "Use this Google Cloud project. It must be registered for Earth Engine."
KeyFile = Annotated[
    Path | None,
    typer.Option(help="Log in to Earth Engine with this key file of a service account."),
]
Endpoint = Annotated[
    str | None,
    typer.Option(help="Send Earth Engine requests to this address, for example an emulator."),
]


@app.callback(invoke_without_command=True)
def list_sources(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help=PROJECT)] = None,
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
    stac: Annotated[
        bool,
        typer.Option(
            "--stac", help="Test whether the public archives answer. They need no account."
        ),
    ] = False,
    near: Annotated[
        str | None,
        typer.Option(
            metavar="LON,LAT",
            help="List only sources whose coverage holds this place, the finest first.",
        ),
    ] = None,
) -> None:
    """List the sources of images with their coverage and licence. This needs no network.

    With --project, it tests whether Earth Engine answers for each source.
    """
    if context.invoked_subcommand is None:
        from skyscript.backends.source_list import answers, archives_answer, listing

        lon, lat = (0.0, 0.0) if near is None else degrees("--near", near, 2)
        place = None if near is None else (lon, lat)
        found = dict(answers(project, service_account, endpoint)) if project else {}
        known = dict(archives_answer()) if stac else {}
        for line in listing(found, known, place):
            print_plainly(line)


@command(app)
def probe(
    project: Annotated[str, typer.Option(help=PROJECT)],
    out: Annotated[Path, typer.Option(help="Write the answers to this JSON file.")] = Path(
        "sources.json"
    ),
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
) -> None:
    """Ask Earth Engine for facts that are not documented, and write them to a file."""
    from skyscript.backends.live_probe import probe

    print_path("findings", probe(project, service_account, endpoint, out))
