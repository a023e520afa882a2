"""The verdicts: those of a person in a CSV, and those of a vision model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import write_file
from pipeline.errors import InputError
from skyscript.files import verdicts
from skyscript.files.pairs_csv import write_pairs
from skyscript.files.tar_places import InTars, find_image
from skyscript.files.verdicts import CAPTION, HEADER, WORDS, Text, Word
from skyscript.images.decode import Unusable, decode
from skyscript.language_model import Answer, NoAnswer, Request, find_json
from stages.judged.units import Unit

TASK = "judge"
_RULES = (
    "You judge statements about satellite and aerial images, seen from straight above. You get one "
    "image and one statement. Say whether the image shows what the statement says, by the pixels "
    "alone. It is right if all that it names can be seen, wrong if a thing that it names is not "
    "there, and unsure if the pixels do not tell. "
)
_OF_STATEMENTS = (
    "Numbers, shares, directions and distances must be as it says. A question with its answer is "
    "right if the answer is. A box is left, top, right and bottom, in thousandths of the width and "
    "the height of the image. "
)
_FORM = (
    "Answer with one JSON object and nothing else: "
    '{"verdict": "right" or "wrong" or "unsure", "why": "at most ten words"}'
)
_AGAIN = "\nAnswer with the JSON object only."
_MOST_TOKENS = 80
_LONGEST_WHY = 200
_JPEG = b"\xff\xd8"
_TURNED: dict[Word, Word] = {"right": "wrong", "wrong": "right"}


class Judgement(NamedTuple):
    """A verdict and its reason."""

    word: Word
    why: str

    def of(self, unit: Unit) -> Word:
        """Tell whether the run is right about a unit: a negative is if the text is wrong."""
        return self.word if unit.is_true else _TURNED.get(self.word, self.word)


def write_verdicts(
    path: Path, units: Sequence[Unit], judgements: Sequence[Judgement] | None = None
) -> None:
    """Write a CSV of the sample: the verdicts, or empty fields to fill in."""
    words = judgements or [Judgement("", "")] * len(units)
    rows = [(u.filepath, u.text, *word, u.kind) for u, word in zip(units, words, strict=True)]
    write_file(path, lambda temporary: write_pairs(temporary, HEADER, rows))


def read_verdicts(path: Path, units: Sequence[Unit]) -> list[Judgement]:
    """Read a person's verdicts on the sample; an empty one means that it was not judged.

    Raises `InputError` that names the line of a row that is not of the sample, or the file if no
    row has a verdict.
    """
    known = {unit.key for unit in units}

    def problem_of(text: Text) -> str | None:
        if text in known:
            return None
        return "is not of this sample; give the run and the options of the sheet"

    found = verdicts.read_verdicts(path, problem_of)
    if not any(verdict.word for verdict in found.values()):
        raise InputError(
            f"{path}: no row has a verdict; write right, wrong or unsure into the column verdict"
        )
    empty = verdicts.Verdict("", "")
    return [Judgement(*found.get(unit.key, empty)) for unit in units]


def request_of(run: Path, inside: InTars, unit: Unit, *, attempt: int = 0) -> Request | Judgement:
    """Give what to ask the model about an image, or a judgement if it cannot be read."""
    try:
        image = find_image(run, unit.filepath, inside).read_bytes()
    except OSError as error:
        return Judgement("", f"the image cannot be read ({error.strerror or 'a wrong path'})")
    if not image.startswith(_JPEG) or isinstance(decode(image), Unusable):
        return Judgement("", "the image is no JPEG that can be decoded")
    text = f"Statement: {unit.text}{_AGAIN * attempt}"
    rules = _RULES + ("" if unit.kind == CAPTION else _OF_STATEMENTS) + _FORM
    return Request(TASK, rules, text, _MOST_TOKENS, image, seed=attempt)


def judgement_of(answer: Answer | NoAnswer) -> Judgement | None:
    """Read the model's answer; None if it is no verdict."""
    if isinstance(answer, NoAnswer):
        return Judgement("", answer.reason)
    value = find_json(answer.text, "{}")
    found = value if isinstance(value, dict) else {}
    verdict, why = found.get("verdict"), found.get("why")
    word = WORDS.get(verdict.strip().lower()) if isinstance(verdict, str) else None
    if not word:
        return None
    return Judgement(word, " ".join(why.split())[:_LONGEST_WHY] if isinstance(why, str) else "")
