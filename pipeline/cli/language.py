"""The commands that ask a language model, or a person: judge, polish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.pairs import PANEL
from pipeline.cli.working import interruptible, print_lines, print_path
from pipeline.errors import ConfigError, InputError

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from pipeline.run import Run
    from skyscript.language_model import LanguageModelConfig

MODEL = Fields("skyscript.language_model.config:LanguageModelConfig", "language_model")

app = typer.Typer()


@command(app, Fields("stages.judged.config:JudgedConfig", "judge"), MODEL, panel=PANEL)
def judge(
    run: Annotated[Path, typer.Argument(help="Judge the run in this folder.")],
    given: Given,
    out: Annotated[Path, typer.Option(help="Write the figures to this folder.")] = Path("judged"),
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Write the sample to this CSV, for a person to fill in: right, wrong or unsure. "
            "The page report/review.html of the run fills it in image by image. No model is asked."
        ),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(help="Read the verdicts from this CSV, a sheet that a person filled in."),
    ] = None,
) -> None:
    """Find the share of captions or statements that are right, by looking at a sample of them.

    A vision model behind an OpenAI-compatible endpoint judges each image and its text, or a person
    does: write a --sheet, fill it in on the page report/review.html of the run, and read it by
    --verdicts. judged.json gives the precision with its interval: overall and by concept, source,
    resolution and kind of statement. The text of a negative is false on purpose, so it counts as
    right if it is judged wrong. wrong.csv lists what is wrong, and suggestions.csv the tags that
    need another label, in the format of --own-labels; of statements, those of presence and of
    attributes give suggestions. Run the same command again after a crash: no stored answer is
    paid for twice.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import judged, tables

    if sheet and verdicts:
        raise ConfigError("give either --sheet, to write a sheet, or --verdicts, to read one")
    config = config_of_block(None, judged.JudgedConfig, given.get("judge", {}), "judge")
    language = _language_model(given)
    meta, said = Run(run).table(tables.META.name), _said(Run(run), config.what)
    with interruptible():
        if sheet:
            count = judged.write_sheet(meta, said, sheet, config)
            print_lines(_next_steps(count, sheet, run / "report/review.html"))
            return
        if verdicts:
            done = judged.judge_by_person(meta, said, verdicts, out, config)
        else:
            done = judged.judge(
                meta, said, run, out, config, language, lambda line: print_lines([line])
            )
    print_lines(done.lines())
    print_path("judged", out)


def _language_model(given: Given) -> LanguageModelConfig:
    from pipeline.config import config_of_block
    from skyscript.language_model import LanguageModelConfig

    block = given.get("language_model", {})
    return config_of_block(None, LanguageModelConfig, block, "language_model")


def _said(run: Run, what: str) -> ds.Dataset:
    """Open the captions or the statements of a run. Raises `InputError` if it made none."""
    from stages import tables

    if what == "captions":
        return run.table(tables.CAPTIONS.name)
    found = run.table_if_whole(tables.STATEMENTS.name)
    if found is None:
        raise InputError(
            f"{run.root}: has no statements to judge; name kinds in statements.kinds of its "
            "config, and run skyscript run again"
        )
    return found


def _next_steps(count: int, sheet: Path, page: Path) -> list[str]:
    """Say what a person does with a sheet."""
    choose = f"Open {page} in a browser, and choose the sheet there."
    return [f"{count:>10,}  rows to judge in {sheet}", *([choose] if page.exists() else [])]


@command(app, Fields("stages.polish.config:PolishConfig", "polish"), MODEL, panel=PANEL)
def polish(
    run: Annotated[Path, typer.Argument(help="Polish the captions of the run in this folder.")],
    given: Given,
    out: Annotated[Path, typer.Option(help="Write the captions to this folder.")] = Path(
        "polished"
    ),
) -> None:
    """Write captions in natural language, made from the tags by a language model.

    The model behind an OpenAI-compatible endpoint is asked once for each distinct set of tags. Each
    text is checked: it must say every tag, and name no other thing of the vocabulary. What fails is
    asked for once more; after that, the image keeps its caption by rule. polished.csv has the
    published columns filepath, title_raw and title. Run the same command again after a crash: no
    stored answer is paid for twice.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import tables
    from stages.polish import PolishConfig
    from stages.polish import polish as run_polish

    config = config_of_block(None, PolishConfig, given.get("polish", {}), "polish")
    language = _language_model(given)
    read = (tables.META, tables.CAPTIONS, tables.VOCAB)
    meta, captions, vocab = (Run(run).table(table.name) for table in read)
    with interruptible():
        done = run_polish(
            meta, captions, vocab, out, config, language, lambda line: print_lines([line])
        )
    print_lines(done.lines())
    print_path("polished", out)
