"""Polishes the captions of a run: a text for each distinct set of tags, a row for each image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.dataset as ds

from pipeline.atomic import write_file, write_json
from pipeline.errors import InputError
from pipeline.out_folder import refuse_run
from skyscript import chance
from skyscript.captions.captioned import Captioned, captioned_images
from skyscript.files.pairs_csv import write_pairs
from skyscript.files.phrases import PREFIX
from skyscript.language_model import (
    Cost,
    LanguageModelConfig,
    announce,
    open_session,
)
from skyscript.vocabulary import run_vocabulary
from stages.polish.config import PolishConfig
from stages.polish.texts import TASK, Thing, Wish, batches, collect
from tag_vocab import Vocabulary

HEADER = ("filepath", "title_raw", "title")
"""The columns of the published polished captions."""
CSV, FIGURES = "polished.csv", "polished.json"
_AERIAL = "An aerial image. It shows: "
_SATELLITE = "A satellite image. It shows: "
_SATELLITES = frozenset({"S2", "L8", "L9"})
"""The published satellite collections; a source of our own is one from this GSD on."""
_SATELLITE_GSD = 5.0


class Polished(NamedTuple):
    """The figures of a polished file."""

    images: int
    fallen_back: int
    """Images whose text is the caption by rule."""
    texts: int
    wanted: int
    why: Counter[str]
    """Why texts were refused, with their number."""
    cost: Cost

    def lines(self) -> list[str]:
        """Describe the figures in lines for the terminal."""
        return [
            f"{self.images:>10,}  captions, {self.fallen_back:,} of them by rule",
            f"{self.texts:>10,}  texts for distinct sets of tags, of {self.wanted:,} asked for",
            *(f"{count:>10,}  texts refused: {why}" for why, count in self.why.most_common()),
            self.cost.line("answers paid for"),
        ]


def polish(
    meta: ds.Dataset,
    captions: ds.Dataset,
    vocab: ds.Dataset,
    out: Path,
    config: PolishConfig,
    language: LanguageModelConfig,
    say: Callable[[str], object],
) -> Polished:
    """Write the polished captions of a run as a CSV, as published.

    ``say`` gets the estimate of the cost. Raises `InputError` if the run has no captions, if the
    folder is that of a run, or if the budget is used up; what was paid for is kept.
    """
    refuse_run(out)
    words = run_vocabulary(vocab)
    things = sorted({_thing(image, words) for image in _images(meta, captions)})
    if not things:
        raise InputError("The run has no image with a caption to polish.")
    wishes = [Wish(thing, number) for number in range(config.phrasings) for thing in things]
    with open_session(language, out, TASK) as session:
        announce(
            lambda: (request for _, request in batches(wishes, config.batch, session)), session, say
        )
        texts, why = collect(wishes, config.batch, session, say)
        fallen_back: list[str] = []
        rows = _rows(_images(meta, captions), words, texts, config, fallen_back)
        counts: list[int] = []
        write_file(out / CSV, lambda path: counts.append(write_pairs(path, HEADER, rows)))
        done = Polished(
            counts[0], len(fallen_back), len(texts), len(wishes), why, session.ledger.cost()
        )
    _write_figures(out, done)
    return done


def _images(meta: ds.Dataset, captions: ds.Dataset) -> Iterator[Captioned]:
    return captioned_images(meta, captions, "title")


def _thing(image: Captioned, words: Vocabulary) -> Thing:
    """Give the tags that the caption of an image says, in its order."""
    return Thing(tuple(words.caption_tags(dict(image.tags))), image.object_id[0])


def _rows(
    images: Iterator[Captioned],
    words: Vocabulary,
    texts: Mapping[Wish, str],
    config: PolishConfig,
    fallen_back: list[str],
) -> Iterator[Sequence[str]]:
    """Yield the rows of the CSV; images without a text of their own go to ``fallen_back``."""
    for image in images:
        thing = _thing(image, words)
        wishes = [Wish(thing, number) for number in range(config.phrasings)]
        said = list(dict.fromkeys(texts[wish] for wish in wishes if wish in texts))
        if said:
            draw = chance.uniform(config.seed, image.object_id, "phrasing")
            raw = _sentence(said[int(draw * len(said))])
        else:
            fallen_back.append(image.object_id)
            raw = _sentence(re.sub(PREFIX, "", image.caption, count=1, flags=re.IGNORECASE))
        is_satellite = image.source in _SATELLITES or image.gsd >= _SATELLITE_GSD
        yield image.filepath, raw, (_SATELLITE if is_satellite else _AERIAL) + raw


def _sentence(text: str) -> str:
    """Give a text with a capital letter and one full stop."""
    plain = " ".join(text.split()).strip("\"' ").rstrip(".!?; ")
    return f"{plain[:1].upper()}{plain[1:]}."


def _write_figures(out: Path, done: Polished) -> None:
    found = {
        "images": done.images,
        "captions_by_rule": done.fallen_back,
        "texts": done.texts,
        "texts_asked_for": done.wanted,
        "refused": dict(sorted(done.why.items())),
    }
    write_json(out / FIGURES, found)
