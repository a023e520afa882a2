"""The files that SkyScript's authors published: names, addresses, and where each is stored."""

from __future__ import annotations

import csv
import difflib
import fnmatch
from collections.abc import Iterable
from importlib.resources import files
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.errors import InputError

BASE_URL = "https://opendatasharing.s3.us-west-2.amazonaws.com/SkyScript/"


class Artefact(NamedTuple):
    """A published file: a row of ``published.csv``."""

    path: str
    """Address, relative to the base address."""
    kind: str
    """One of: images, meta, captions, benchmark, checkpoint."""
    purpose: str
    size: int | None = None
    """Approximate bytes, estimated from the mean size of the JPEGs; None if unknown."""
    md5: str | None = None
    """MD5 as stated by TorchGeo's SkyScript reader; None if unknown."""

    @property
    def name(self) -> str:
        """The name on the command line: ``images2``, ``ckpt/SkyCLIP_ViT_B32_top50pct``."""
        return self.path.removesuffix(".zip")

    @property
    def key(self) -> str:
        """The name as one part of a path: ``ckpt__SkyCLIP_ViT_B32_top50pct``."""
        return self.name.replace("/", "__")

    @property
    def is_zip(self) -> bool:
        """Whether the file is unpacked after the download."""
        return self.path.endswith(".zip")

    @property
    def place(self) -> str:
        """The path in the data root: a CSV is in the root itself, a zip in a folder of its name.

        TorchGeo's reader, training and scoring use this root. Evaluation uses ``benchmark/``.
        """
        return PurePosixPath(self.path).name if self.kind == "captions" else self.name


def _read_catalogue() -> tuple[Artefact, ...]:
    with files("stages.download").joinpath("published.csv").open(encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    return tuple(
        Artefact(path, kind, purpose, int(size) if size else None, md5 or None)
        for path, kind, purpose, size, md5 in rows
    )


CATALOGUE = _read_catalogue()


def choose(words: Iterable[str], catalogue: Iterable[Artefact] = CATALOGUE) -> list[Artefact]:
    """Select artefacts by names, kinds or patterns: each once, in the order of the catalogue.

    Raises `InputError` for a word that selects nothing.
    """
    artefacts = list(catalogue)
    chosen: set[str] = set()
    for word in words:
        found = [artefact.path for artefact in artefacts if _matches(word, artefact)]
        if not found:
            known = [name for artefact in artefacts for name in (artefact.name, artefact.kind)]
            close = difflib.get_close_matches(word, dict.fromkeys(known), n=1, cutoff=0.5)
            raise InputError(
                f"{word}: no published file has this name"
                + (f" (did you mean {close[0]}?)" if close else "")
                + "; skyscript download --list shows all names."
            )
        chosen.update(found)
    return [artefact for artefact in artefacts if artefact.path in chosen]


def _matches(word: str, artefact: Artefact) -> bool:
    path = PurePosixPath(artefact.path)
    names = {artefact.path, artefact.name, path.name, path.stem, artefact.kind}
    if str(path.parent) != ".":
        names.add(str(path.parent))
    return word.rstrip("/") in names or any(fnmatch.fnmatchcase(name, word) for name in names)
