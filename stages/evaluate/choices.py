"""Multiple choice: the model must find the true one of several statements on an image.

Questions are those of `skyscript export-data --format choices`. The answer is right if the image is
more similar to the true statement than to each false one, so a tie is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.identity import identify
from skyscript.clip.vectors.embed import Progress
from skyscript.files.paths import below
from stages.evaluate.embedding import embed_images, embed_texts, note_cut
from stages.evaluate.intervals import share_interval
from stages.evaluate.model import Tower, describe_figures
from stages.evaluate.outputs import write_table

NAME = "choices"
KIND = "choice"
_FEWEST = 2
"""Options of a question."""

Vectors = NDArray[np.float32]


class Question(NamedTuple):
    """Statements on an image, one of which is true."""

    id: str
    image: str
    """Its path beside the JSON."""
    options: tuple[str, ...]
    answer: int
    """The place of the true statement."""
    kind: str
    """The kind of the first false statement."""


class Choices(NamedTuple):
    """The questions of a JSON."""

    path: Path
    questions: list[Question]
    images: list[str]
    """The distinct images, in the order of the questions."""
    texts: list[str]
    """The distinct texts, in the order of the questions."""

    @property
    def work(self) -> int:
        """The number of images and texts."""
        return len(self.images) + len(self.texts)

    def answer(self, tower: Tower, folder: Path, progress: Progress) -> dict[str, Any]:
        """Answer all questions. Returns the figures; the answers are written to the folder."""
        files = [below(self.path.parent, image) for image in self.images]
        found = embed_images(files, tower, progress)
        texts = embed_texts(self.texts, tower, progress)
        images = {self.images[row]: at for at, row in enumerate(found.rows)}
        asked = [one for one in self.questions if one.image in images]
        scores = self._score(asked, images, found.vectors, texts)
        return {
            "kind": KIND,
            **describe_figures(tower),
            "rows": {"file": self.path.name, "id": identify(self.path)},
            "counts": {"images": len(images), "texts": len(self.texts)},
            **_measure(asked, scores),
            "kinds": {
                kind: _measure(*_of_kind(asked, scores, kind))
                for kind in sorted({one.kind for one in asked})
            },
            "files": {"answers": _write(folder, asked, scores)},
            "notes": [*found.notes, *note_cut(self.texts, tower, "statements")],
        }

    def _score(
        self, asked: Sequence[Question], row_of: Mapping[str, int], images: Vectors, texts: Vectors
    ) -> list[Vectors]:
        """Return the similarities of each question's image to its options."""
        text = {of: n for n, of in enumerate(self.texts)}
        return [
            texts[[text[option] for option in one.options]] @ images[row_of[one.image]]
            for one in asked
        ]


def read_choices(path: Path) -> Choices:
    """Read a JSON of questions, or the only one of a folder, also below ``choices``.

    Raises `InputError` that names the record at fault.
    """
    file = _find_json(path)
    try:
        records = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: is not JSON: {error}.") from None
    if not isinstance(records, list) or not records:
        raise InputError(f"{file}: is not a list of questions of export-data --format choices.")
    questions = [_question(file, number, record) for number, record in enumerate(records, 1)]
    images = list(dict.fromkeys(one.image for one in questions))
    missing = [image for image in images if not below(file.parent, image).is_file()]
    if missing:
        raise InputError(
            f"{file}: {len(missing):,} of {len(images):,} images are not beside it, the first "
            f"{missing[0]!r}."
        )
    texts = list(dict.fromkeys(option for one in questions for option in one.options))
    return Choices(file, questions, images, texts)


def _find_json(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{path}: there is no such file or folder.")
    folder = path / NAME if (path / NAME).is_dir() else path
    found = sorted(folder.glob("*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise InputError(f"{folder}: name one JSON of questions; it holds {names}.")
    return found[0]


def _question(file: Path, number: int, record: object) -> Question:
    """Check a record. Raises `InputError` that says what is wrong with it."""
    where = f"{file}: question {number:,}"
    if not isinstance(record, dict):
        raise InputError(f"{where} is not an object.")
    options, answer = record.get("options"), record.get("answer")
    texts = [record.get(name) for name in ("id", "image", "kind")]
    if not isinstance(options, list) or not all(isinstance(of, str) for of in [*options, *texts]):
        raise InputError(f"{where} lacks id, image, kind or a list of options, all of them text.")
    if len(set(options)) < max(_FEWEST, len(options)):
        raise InputError(f"{where} needs two options or more, all different.")
    if not isinstance(answer, int) or not 0 <= answer < len(options):
        raise InputError(f"{where} has the answer {answer!r} to {len(options)} options.")
    try:
        below(file.parent, record["image"])
    except PermissionError:
        raise InputError(f"{where}: {record['image']!r} leads out of its folder.") from None
    return Question(record["id"], record["image"], tuple(options), answer, record["kind"])


def _of_kind(
    asked: Sequence[Question], scores: Sequence[Vectors], kind: str
) -> tuple[list[Question], list[Vectors]]:
    rows = [row for row, one in enumerate(asked) if one.kind == kind]
    return [asked[row] for row in rows], [scores[row] for row in rows]


def _measure(asked: Sequence[Question], scores: Sequence[Vectors]) -> dict[str, Any]:
    """Give the accuracy with its interval: a resample of images brings their questions along."""
    right = [_is_right(one, score) for one, score in zip(asked, scores, strict=True)]
    _, image_of = np.unique([one.image for one in asked], return_inverse=True)
    tied = sum(
        int((score == score[one.answer]).sum() > 1)
        for one, score in zip(asked, scores, strict=True)
    )
    return {
        "questions": len(asked),
        "accuracy": sum(right) / len(right),
        "accuracy_interval": share_interval(np.array(right), image_of),
        "chance": sum(1 / len(one.options) for one in asked) / len(asked),
        "ties": tied,
    }


def _is_right(one: Question, score: NDArray[np.float32]) -> bool:
    return bool(score[one.answer] > np.delete(score, one.answer).max())


def _write(folder: Path, asked: Sequence[Question], scores: Sequence[Vectors]) -> str:
    """Write a row for each question. Returns the path of the file, relative to `out`."""
    chosen = [int(score.argmax()) for score in scores]
    pairs = list(zip(asked, chosen, strict=True))
    table = pa.table(
        {
            "id": [one.id for one in asked],
            "filepath": [one.image for one in asked],
            "kind": [one.kind for one in asked],
            "true": [one.options[one.answer] for one in asked],
            "chosen": [one.options[at] for one, at in pairs],
            "similarities": pa.array([score.tolist() for score in scores], pa.list_(pa.float32())),
            "right": [_is_right(one, score) for one, score in zip(asked, scores, strict=True)],
        }
    )
    write_table(folder / "answers.parquet", table)
    return f"{folder.name}/answers.parquet"
