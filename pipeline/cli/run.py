"""The commands that make a run: run, init, check, demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.area import config_of_area
from pipeline.cli.options import Fields, Given, command
from pipeline.cli.working import (
    RetryFailed,
    counting_vectors,
    no_stage,
    print_path,
    run_job,
)
from pipeline.errors import ConfigError
from pipeline.progress import print_plainly

if TYPE_CHECKING:
    from pipeline.config import RunConfig
    from pipeline.state import Retry
    from pipeline.storage import Place

TOY = Path(__file__).parents[2] / "data" / "toy" / "toy.yaml"
PANEL = "Build a dataset"
RESULTS = (
    ("unfiltered", "captions", "SkyScript_train_unfiltered.csv"),
    ("fetch", "images", "images2 … images7"),
    ("filter", "filtered", "SkyScript_*_filtered_by_*.csv"),
    ("report", "report", "report/index.html"),
)
"""The results that a run names at its end: the stage that makes each, a label, the path."""

app = typer.Typer()
Bbox = Annotated[
    str | None,
    typer.Option(
        metavar="W,S,E,N",
        help="Without a config, make tiles for the objects in this box (degrees), from the open "
        "sources of images that cover a part of it and need no account. The config is written to "
        "the folder of the run.",
    ),
]
Osm = Annotated[Path | None, typer.Option(help="With --bbox, read this OSM extract.")]
First = Annotated[
    str | None, typer.Option("--from", metavar="STAGE", help="Start with this stage.")
]
Last = Annotated[
    str | None, typer.Option("--until", metavar="STAGE", help="Stop after this stage.")
]
Only = Annotated[str | None, typer.Option(metavar="STAGE", help="Run only this stage.")]
RetryOnly = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS",
        help="Try again only the failed rows of this class of error. A run names the classes "
        "at its end, for example busy or timeout. Repeat the option for more classes.",
    ),
]
Shards = Annotated[
    str | None,
    typer.Option(
        metavar="FIRST-LAST",
        help="Make only these parts, and only of stages that work part by part: 0-99, or 7. "
        "Several such runs may work in one folder at the same time. Run the command "
        "without this option afterwards, to complete the dataset.",
    ),
]
RUNNER = Fields("pipeline.config:RunnerConfig", "runner")


@command(app, RUNNER, panel=PANEL)
def run(
    given: Given,
    config: Annotated[
        Path | None,
        typer.Argument(
            help="Read the config of the run from this YAML file. --bbox takes its place."
        ),
    ] = None,
    bbox: Bbox = None,
    osm: Osm = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Write the run to this folder, or to this place in a bucket: s3://BUCKET/NAME, "
            "gs:// or az://. By default, it is runs/ and the config's name.",
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    only: Only = None,
    retry: RetryFailed = False,
    retry_only: RetryOnly = None,
    shards: Shards = None,
) -> None:
    """Build the missing parts of a dataset, from an OSM extract to captions.

    Run the same command again after a crash or a change: finished, unchanged parts are kept.
    """
    from pipeline.config import load_config
    from pipeline.state import Retry
    from pipeline.storage import place_of
    from stages import PIPELINE

    if (config is None) == (bbox is None) or (osm is not None and bbox is None):
        raise ConfigError("give either a config, or --bbox W,S,E,N with --osm and --out")
    place = None if out is None else place_of(out)
    path = config or config_of_area(str(bbox), osm, place)
    settings = load_config(path, PIPELINE, given=given)
    root = place or Path("runs") / path.stem
    again = Retry(frozenset(retry_only or ())) if retry or retry_only else None
    stages = _chosen_stages(first, last, only)
    if shards is None:
        _run(settings, root, stages, again)
    else:
        run_job(PIPELINE, settings, root, stages, retry=again, shards=_range_of(shards))


@command(app, Fields("stages.report:ReportConfig", block="report"), panel=PANEL)
def report(
    run: Annotated[Path, typer.Argument(help="Write the report of the run in this folder.")],
    given: Given,
) -> None:
    """Write the report of a run: a folder that a browser opens from disk, without a network.

    The page report/index.html has a gallery with search and filters, a map, and the figures of the
    run. `skyscript run` writes it at its end; this command writes it again, with other options.
    """
    from pipeline.config import load_config
    from pipeline.record import CONFIG
    from stages import PIPELINE

    if not (run / CONFIG).is_file():
        raise ConfigError(f"{run}: has no {CONFIG}: it is not the folder of a run")
    settings = load_config(run / CONFIG, PIPELINE, given=given)
    run_job(PIPELINE, settings, run, ["pairs", "report"])
    print_path("report", run / "report" / "index.html")


@command(app, panel=PANEL)
def init(
    config: Annotated[
        Path, typer.Argument(help="Write the config to this file, which must not exist.")
    ] = Path("skyscript.yaml"),
    extract: Annotated[
        str, typer.Option(metavar="FILE", help="Name this OSM file in the config.")
    ] = "town.osm.pbf",
    images: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Name this folder of images in the config. By default, the config names the "
            "simulated source, which needs no images.",
        ),
    ] = None,
) -> None:
    """Write a config with every key, its meaning and its default, to start from.

    Keys that need no change are comments. Relative paths start at the config's folder.
    """
    from pipeline.atomic import write_bytes
    from pipeline.cli.reference import commented_config
    from stages import PIPELINE

    source = {"IMG": {"backend": "folder", "path": images}}
    given = {
        "extract": {"path": extract},
        "sources": source if images else {"SIM": {"backend": "simulated"}},
    }
    if config.exists():
        raise ConfigError(f"{config}: exists already; name a new file")
    write_bytes(config, commented_config(PIPELINE, given).encode())
    print_path("config", config)


@command(app, RUNNER, panel=PANEL)
def check(
    config: Annotated[Path, typer.Argument(help="Check the run of this YAML file.")],
    given: Given,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Check the free space for this run folder. By default, it is runs/ and the "
            "config's name.",
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the services of the sources whether they answer.")
    ] = False,
) -> None:
    """Check a config and its inputs before anything runs, and estimate the size of the run.

    It reads the headers of the input files, and says where objects and images lie, how many tiles,
    requests, hours and GB there may be, and under which licences the images stand. It writes
    nothing, and uses no network without --online. Exit code 2 means that the run would fail.
    """
    from pipeline.cli.check import check as check_run
    from pipeline.config import load_config
    from pipeline.storage import place_of
    from stages import PIPELINE

    settings = load_config(config, PIPELINE, given=given)
    place = place_of(out) if out else Path("runs") / config.stem
    found = check_run(settings, place, online=online)
    print_plainly("\n".join(found.lines))
    if found.problems:
        raise ConfigError(f"{config}: " + "; ".join(found.problems))
    print_plainly("ready     skyscript run can begin")


@command(app, RUNNER, panel=PANEL)
def demo(
    given: Given,
    out: Annotated[Path, typer.Option(help="Write the demo to this folder.")] = Path(
        "skyscript-demo"
    ),
) -> None:
    """Build a small dataset of a made-up town, without an account, a network or a GPU.

    The tiles are simulated: they are drawn from the map. They show how the pipeline works, not how
    the Earth looks. If the extra `clip` is installed, the tiny CLIP scores them for the filter.
    """
    from pipeline.config import load_config
    from skyscript.clip.source import TINY, clip_installed
    from stages import PIPELINE

    scorer = [f"score.model={TINY}", f"score.name={TINY}"] if clip_installed() else []
    _run(load_config(TOY, PIPELINE, scorer, given), out, [])


def _run(config: RunConfig, root: Place, only: Sequence[str], retry: Retry | None = None) -> None:
    from pipeline import disabled_stages
    from skyscript.files.image_tars import FOLDER
    from skyscript.files.tar_places import has_tars
    from stages import PIPELINE

    with counting_vectors(root):
        run_job(PIPELINE, config, root, only, retry=retry)
    disabled = disabled_stages.find_reasons(PIPELINE, config.stages)
    used = {stage.name for stage in disabled_stages.find_used(PIPELINE, disabled)}
    for stage, label, name in RESULTS:
        if stage in used and (not only or stage in only):
            in_tars = stage == "fetch" and has_tars(root)
            print_path(label, root / (FOLDER if in_tars else name))


def _chosen_stages(first: str | None, last: str | None, only: str | None) -> Sequence[str]:
    """Give the names of the stages that --from, --until and --only select."""
    from stages import PIPELINE

    names = [stage.name for stage in PIPELINE]
    for given in (first, last, only):
        if given is not None and given not in names:
            raise no_stage(given, names)
    if only is not None:
        return [only]
    begin, end = names.index(first or names[0]), names.index(last or names[-1])
    if begin > end:
        raise ConfigError(f"--from {first} comes after --until {last}: nothing is left to run")
    return names[begin : end + 1]


def _range_of(shards: str) -> range:
    """Give the parts that --shards names."""
    first, dash, last = shards.partition("-")
    numbers = [first, last] if dash else [first, first]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ConfigError(f"--shards {shards}: write it as FIRST-LAST, for example 0-99")
    chosen = range(int(numbers[0]), int(numbers[1]) + 1)
    if not chosen:
        raise ConfigError(f"--shards {shards}: the last part is before the first one")
    return chosen
