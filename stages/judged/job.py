"""Judges a run: draws the sample, collects the verdicts, writes the figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.dataset as ds

from pipeline.atomic import write_json
from pipeline.errors import InputError
from pipeline.out_folder import refuse_run
from skyscript.files.tar_places import named_in_tars
from skyscript.files.verdicts import FIGURES, VERDICTS
from skyscript.language_model import (
    Cost,
    LanguageModelConfig,
    Request,
    Session,
    announce,
    ask_all,
    open_session,
)
from stages.judged.config import JudgedConfig
from stages.judged.deciding import deciding_tags
from stages.judged.outputs import NOUN, figures, write_lists
from stages.judged.sample import Sample, draw
from stages.judged.verdicts import (
    TASK,
    Judgement,
    judgement_of,
    read_verdicts,
    request_of,
    write_verdicts,
)

_ATTEMPTS = 2
"""A model that answers without a verdict is asked once more."""
_NO_VERDICT = "the model gave no verdict"


class Judged(NamedTuple):
    """The figures of a sample."""

    figures: dict[str, Any]
    wrong: int
    suggestions: int
    cost: Cost | None = None

    def lines(self) -> list[str]:
        """Describe the figures in lines for the terminal."""
        found = self.figures
        unsure, none, noun = found["unsure"], found["none"], NOUN[found["options"]["what"]]
        lines = [
            f"{found['sample']:>10,}  {noun} in the sample, of {found[noun]:,}: "
            f"{found['right']:,} right, {found['wrong']:,} wrong, {unsure:,} unsure, "
            f"{none:,} without a verdict"
        ]
        for name, group in (("overall", [found["overall"]]), *_groups(found)):
            for one in group:
                if one:
                    lines.append(_line(str(one.get(name, name)), one))
        lines.append(f"{self.suggestions:>10,}  tags that need another label")
        if without := found.get("kinds_without_a_verdict"):
            lines.append(f"No verdict on any statement of the kinds {', '.join(without)}.")
        return [*lines, *([self.cost.line("answers paid for")] if self.cost else [])]


def _groups(found: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Give the kinds, the sources, and the ten worst concepts."""
    kinds = ("kind", found.get("by_kind", []))
    return [kinds, ("source", found["by_source"]), ("concept", found["by_concept"][:10])]


def _line(name: str, one: dict[str, Any]) -> str:
    return (
        f"{100 * one['precision']:>9.1f} % right ({100 * one['low']:.1f} to "
        f"{100 * one['high']:.1f}), {one['judged']:,} judged: {name}"
    )


def write_sheet(meta: ds.Dataset, said: ds.Dataset, sheet: Path, config: JudgedConfig) -> int:
    """Write the sample as a CSV for a person to fill in; give the number of rows."""
    units = draw(meta, said, config).units
    write_verdicts(sheet, units)
    return len(units)


def judge_by_person(
    meta: ds.Dataset, said: ds.Dataset, verdicts: Path, out: Path, config: JudgedConfig
) -> Judged:
    """Read a person's verdicts and write the figures.

    Raises `InputError` for an invalid row, or if the folder holds figures of other texts.
    """
    _refuse_others(out, config)
    sample = draw(meta, said, config)
    judgements = read_verdicts(verdicts, sample.units)
    return _write(meta, out, sample, judgements, config, "a person")


def judge(
    meta: ds.Dataset,
    said: ds.Dataset,
    run: Path,
    out: Path,
    config: JudgedConfig,
    language: LanguageModelConfig,
    say: Callable[[str], object],
) -> Judged:
    """Ask a vision model about the sample and write the figures.

    It sees the pixels of an image and one text, nothing else. ``said`` holds the captions or the
    statements. ``say`` gets the estimate of the cost. Raises `InputError` if the folder holds
    figures of other texts, or if the budget is used up; what was paid for is kept.
    """
    _refuse_others(out, config)
    sample = draw(meta, said, config)
    with open_session(language, out, TASK) as session:
        everyone = range(len(sample.units))
        announce(lambda: _requests(run, sample, everyone, 0, [], {}), session, say)
        judgements = _ask(run, sample, session)
        done = _write(meta, out, sample, judgements, config, session.model.model)
        return done._replace(cost=session.ledger.cost())


def _refuse_others(out: Path, config: JudgedConfig) -> None:
    """Raise `InputError` if a folder is a run, or holds the figures of other texts."""
    refuse_run(out)
    try:
        what = json.loads((out / FIGURES).read_bytes())["options"].get("what", "captions")
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return  # not there, or not from judge: it is written anew
    if what != config.what:
        raise InputError(f"{out}: holds the judged {what}; name another folder by --out.")


def _ask(run: Path, sample: Sample, session: Session) -> list[Judgement]:
    """Ask about each image, and once more where the answer is no verdict."""
    found: dict[int, Judgement] = {}
    for attempt in range(_ATTEMPTS):
        left = [number for number in range(len(sample.units)) if number not in found]
        asked: list[int] = []
        requests = _requests(run, sample, left, attempt, asked, found)
        for place, answer in enumerate(ask_all(requests, session)):
            if judgement := judgement_of(answer):
                found[asked[place]] = judgement
    missing = Judgement("", _NO_VERDICT)
    return [found.get(number, missing) for number in range(len(sample.units))]


def _requests(
    run: Path,
    sample: Sample,
    numbers: Iterable[int],
    attempt: int,
    asked: list[int],
    found: dict[int, Judgement],
) -> Iterator[Request]:
    """Yield the requests about some images, whose numbers go to ``asked``.

    Those of images that cannot be read go to ``found``, with the reason.
    """
    chosen = list(numbers)
    inside = named_in_tars(run, (sample.units[number].filepath for number in chosen))
    for number in chosen:
        request = request_of(run, inside, sample.units[number], attempt=attempt)
        if isinstance(request, Request):
            asked.append(number)
            yield request
        else:
            found[number] = request


def _write(
    meta: ds.Dataset,
    out: Path,
    sample: Sample,
    judgements: Sequence[Judgement],
    config: JudgedConfig,
    judge: str,
) -> Judged:
    found = {
        "judge": judge,
        "options": config.model_dump(mode="json"),
        **figures(sample, judgements, config),
    }
    write_verdicts(out / VERDICTS, sample.units, judgements)
    tags = deciding_tags(meta, sample.units)
    wrong, suggestions = write_lists(out, sample, tags, judgements, config)
    write_json(out / FIGURES, found)
    return Judged(found, wrong, suggestions)
