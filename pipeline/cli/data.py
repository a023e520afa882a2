"""The commands on other data: download, build-classification, build-laion-rs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.working import (
    RetryFailed,
    interruptible,
    print_lines,
    retry_all,
    run_job,
)
from pipeline.errors import ConfigError, ItemsFailed
from pipeline.progress import display, print_plainly

if TYPE_CHECKING:
    from stages.download import Outcome

PANEL = "Data"

_KEPT = ("threshold", "precision", "prevalence", "max_per_image", "near", "alike")
LAION_RS = (
    Fields("stages.laion_rs.judge:JudgeConfig"),
    Fields("stages.laion_rs.web:WebConfig", "web", ("image_column", "caption_column")),
    Fields("stages.laion_rs.examples:ExamplesConfig", "examples", ("remote_sensing", "other")),
    Fields("stages.laion_rs.kept:KeptConfig", "kept", _KEPT),
    Fields(
        "stages.laion_rs.fetched:FetchConfig",
        "fetch",
        ("urls", "url_column", "text_column", "longest_side", "timeout", "program"),
        {"program": "img2dataset"},
        optional=True,
    ),
)

app = typer.Typer()


@command(app, Fields("stages.download:DownloadConfig"), panel=PANEL)
def download(
    given: Given,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Fetch these: names (images2, aid, ckpt/SkyCLIP_ViT_B32_top50pct), kinds (images, "
            "meta, captions, benchmark, checkpoint) or patterns ('*top30pct*').",
        ),
    ] = None,
    to: Annotated[Path, typer.Option(help="Store the files in this folder.")] = Path("data"),
    listing: Annotated[
        bool, typer.Option("--list", help="List the files that NAME means, or all files.")
    ] = False,
) -> None:
    """Download the published images, metas, captions, benchmarks and checkpoints.

    Run the same command again after a crash: it continues. A second run only checks the files. A
    CSV is stored in the destination folder, images2.zip is unpacked to images2/, and
    benchmark/aid.zip to benchmark/aid/.
    """
    from pipeline.config import config_of_block
    from stages.download import DownloadConfig, choose
    from stages.download import download as run_download

    if listing:
        _list_artefacts(names or [])
        return
    if not names:
        raise ConfigError("name the files to download; skyscript download --list shows all of them")
    config = config_of_block(None, DownloadConfig, given, "download")
    with interruptible(), display() as show:
        outcomes = run_download(choose(names), to, config, show)
    _report_outcomes(outcomes)


def _report_outcomes(outcomes: list[Outcome]) -> None:
    """Print a line for each file; raise `ItemsFailed` if some failed."""
    print_lines([f"{item.status:8} {item.artefact.name}: {item.message}" for item in outcomes])
    if failed := [item.artefact.name for item in outcomes if item.status == "failed"]:
        raise ItemsFailed(
            f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}. The others are "
            "complete; run the same command again."
        )


def _list_artefacts(names: list[str]) -> None:
    """Print a line for each artefact: its name, kind, content and, if known, size."""
    from stages.download import CATALOGUE, choose

    chosen = choose(names) if names else CATALOGUE
    width = max(len(artefact.name) for artefact in chosen)
    for artefact in chosen:
        about = f", about {artefact.size / 1e9:,.0f} GB" if artefact.size else ""
        print_plainly(f"{artefact.name:{width}}  {artefact.kind:10}  {artefact.purpose}{about}")


@command(app, Fields("stages.classification:ClassificationConfig"), panel=PANEL)
def build_classification(
    run: Annotated[Path, typer.Argument(help="Take the images of the run in this folder.")],
    given: Given,
    out: Annotated[
        Path,
        typer.Option(
            help="Write the set to this folder. Its parent folder is the root of benchmarks."
        ),
    ] = Path("benchmark/SkyScript_cls"),
    training: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write this captions file again, without the pairs that training must not see. "
            "Repeat the option for more files."
        ),
    ] = None,
) -> None:
    """Build a benchmark like SkyScript_cls from a run: labelled images that training never sees.

    report.json explains what was chosen and why. left_out_objects.txt lists the objects that
    training must not use.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import tables
    from stages.classification import ClassificationConfig
    from stages.classification import build_classification as build

    meta = Run(run).table(tables.META.name)
    truth = Run(run).table_if_whole(tables.TRUTH.name)
    config = config_of_block(None, ClassificationConfig, given, "build-classification")
    done = build(meta, run, out.absolute(), config, truth=truth, training=training or ())
    print_lines(done.lines())


@command(app, *LAION_RS, panel=PANEL)
def build_laion_rs(
    out: Annotated[
        Path, typer.Option(help="Write laion_rs.csv, and everything else, to this folder.")
    ],
    given: Given,
    workers: Annotated[
        int, typer.Option(min=1, help="Start this many worker processes, each with its own model.")
    ] = 1,
    retry: RetryFailed = False,
) -> None:
    """Select the remote-sensing images from a set of web images.

    A classifier on CLIP vectors learns from two folders of examples. The CSV (filepath, title,
    score) is ready for training. Run the same command again after a crash: it continues.
    """
    from pipeline.config import config_of_command
    from skyscript.clip.source import TINY
    from stages import LAION_RS_JOB
    from stages.laion_rs import is_finished, summarise

    values: dict[str, Any] = {key: value for key, value in given.items() if key != "fetch"}
    runner = {"executor": "serial" if workers == 1 else "processes", "workers": workers}
    values["runner"] = {**runner, **given.get("runner", {})}
    settings = config_of_command(values, LAION_RS_JOB, [], "build-laion-rs")
    _fetch_web_images(given, workers)
    if given.get("model") == TINY:
        print_lines(["the tiny model was trained on simulated tiles only: use it for trials"])
    try:
        run_job(LAION_RS_JOB, settings, out, retry=retry_all(retry))
    except ItemsFailed:  # of some images; the others are judged, unless a whole part failed
        print_lines(summarise(out) if is_finished(out) else [])
        raise
    print_lines(summarise(out))


def _fetch_web_images(given: Given, workers: int) -> None:
    """Fetch the images of --urls, if that option was given, into the folder --images."""
    from pipeline.config import config_of_block
    from stages.laion_rs import fetch_images
    from stages.laion_rs.fetched import FetchConfig

    block = given.get("fetch", {})
    if "urls" not in block:
        if block:
            raise ConfigError("the options for fetching need --urls, the file of addresses")
        return
    if "captions" in given:
        raise ConfigError("give --urls or --captions, not both: the fetched images have captions")
    config = config_of_block(None, FetchConfig, {**block, "processes": workers}, "build-laion-rs")
    fetch_images(config, Path(given["images"]).absolute())


@command(app, Fields("skyscript.backends.overpass:OverpassConfig"), panel=PANEL)
def overpass(
    given: Given,
    out: Annotated[Path, typer.Option(help="Write the answer to this .json file.")],
) -> None:
    """Fetch the OSM objects of a small area or of a rare tag from Overpass, for `extract.path`.

    It asks first how many objects there are, refuses what is too much for a public service, and
    waits as the service says. Answers are kept: the same query is not sent twice within max-age.
    """
    from pipeline.config import config_of_block
    from skyscript.backends.overpass import OverpassConfig, ask_overpass

    config = config_of_block(None, OverpassConfig, given, "overpass")
    with interruptible():
        count = ask_overpass(config, out)
    print_lines(
        [f"{count:,} objects of OpenStreetMap (ODbL, © its contributors)", f"file      {out}"]
    )
