"""The commands `skyscript sources ...`: where images come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.display import console, print_plainly

sources_app = typer.Typer(help="The sources of images: what they are, and whether they answer.")
Project = Annotated[str | None, typer.Option(help="A project registered for Earth Engine.")]
KeyFile = Annotated[Path | None, typer.Option(help="A service account's key file.")]
Endpoint = Annotated[str | None, typer.Option(help="Another address of the service.")]


@sources_app.callback(invoke_without_command=True)
def list_sources(
    context: typer.Context,
    project: Project = None,
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
    stac: Annotated[
        bool, typer.Option("--stac", help="Ask the public archives whether they answer.")
    ] = False,
) -> None:
    """List the sources with their coverage, without asking anybody.

    With a project: whether Earth Engine answers for each. With --stac: whether the public archives
    do, which need no account.
    """
    if context.invoked_subcommand is None:
        from skyscript.backends.source_list import answers, archives_answer, listing

        said = dict(answers(project, service_account, endpoint)) if project else {}
        for line in listing(said, dict(archives_answer()) if stac else {}):
            print_plainly(line)


@sources_app.command()
def probe(
    project: Annotated[str, typer.Option(help="A project registered for Earth Engine.")],
    out: Annotated[Path, typer.Option(help="The JSON to write.")] = Path("sources.json"),
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
) -> None:
    """Ask the live service what no page tells of the sources, and write it down."""
    from skyscript.backends.live_probe import probe

    found = probe(project, service_account, endpoint, out)
    console.print(f"{'findings':9} {escape(str(found))}", soft_wrap=True)
