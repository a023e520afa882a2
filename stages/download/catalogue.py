"""What SkyScript's authors published, as data: names, addresses, and where each comes to lie."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from pipeline.errors import InputError

BASE_URL = "https://opendatasharing.s3.us-west-2.amazonaws.com/SkyScript/"

Kind = Literal["images", "meta", "captions", "benchmark", "checkpoint"]

_GB = 10**9


class Artefact(NamedTuple):
    """A published file."""

    path: str
    """From the base address."""
    kind: Kind
    what: str
    """What it is for."""
    about: int | None = None
    """Bytes, roughly; none where nobody has said it."""
    md5: str | None = None
    """As TorchGeo's reader of SkyScript states it."""

    @property
    def name(self) -> str:
        """Give the name that users call it by: ``images2``, ``ckpt/SkyCLIP_ViT_B32_top50pct``."""
        return self.path.removesuffix(".zip")

    @property
    def is_zip(self) -> bool:
        """Tell whether it is unpacked after it has come."""
        return self.path.endswith(".zip")

    @property
    def place(self) -> str:
        """Give where it lies in a data root: a CSV in the root itself, a zip's folder by its name.

        So TorchGeo's reader, training and scoring take the root, and evaluation ``benchmark/``.
        """
        return PurePosixPath(self.path).name if self.kind == "captions" else self.name


_IMAGE_MD5S = {
    2: "fbfb5f7aa1731f4106fc3ffbd608100a",
    3: "ad4fd9fdb9622d1ea360210cb222f2bd",
    4: "aeeb41e830304c74b14b5ffc1fc8e8c3",
    5: "02ee7e0e59f9ac1c87b678a155e1f1df",
    6: "350475f1e7fb996152fa16db891b4142",
    7: "5e2fbf3e9262b36e30b458ec9a1df625",
}
_UNFILTERED = "SkyScript_train_unfiltered_5M"
_OPENAI, _LAION_RS = "CLIP_openai", "CLIP_laion_RS"
_CAPTIONS: tuple[tuple[str, str, str | None], ...] = (
    (_UNFILTERED, "5.1 M pairs, all of them", None),
    (f"{_UNFILTERED}_language_polished", "4.7 M pairs, captions polished by an LLM", None),
    (
        f"SkyScript_train_top30pct_filtered_by_{_OPENAI}",
        "1.5 M pairs, the training set of TorchGeo's reader",
        "05b362e43a852667b5374c9a5ae53f8e",
    ),
    (f"SkyScript_train_top50pct_filtered_by_{_OPENAI}", "2.6 M pairs for training", None),
    (
        f"SkyScript_val_5K_filtered_by_{_OPENAI}",
        "5 K pairs for validation",
        "c8d278fd29b754361989d5e7a6608f69",
    ),
    (
        f"SkyScript_test_30K_filtered_by_{_OPENAI}",
        "30 K pairs, the retrieval test",
        "0135d9b49ce6751360912a4353e809dc",
    ),
    (f"SkyScript_train_top30pct_filtered_by_{_LAION_RS}", "1.5 M pairs for training", None),
    (f"SkyScript_train_top50pct_filtered_by_{_LAION_RS}", "2.6 M pairs for training", None),
    (f"SkyScript_val_5K_filtered_by_{_LAION_RS}", "5 K pairs for validation", None),
    (f"SkyScript_test_30K_filtered_by_{_LAION_RS}", "30 K pairs for testing", None),
    (
        f"SkyScript_train_top30pct_filtered_by_{_LAION_RS}_language_polished",
        "1.5 M pairs, captions polished by an LLM",
        None,
    ),
    (
        f"SkyScript_train_top50pct_filtered_by_{_LAION_RS}_language_polished",
        "2.6 M pairs, captions polished by an LLM",
        None,
    ),
)
_BENCHMARKS = {
    "aid": "AID: scenes",
    "eurosat": "EuroSAT: scenes",
    "fmow": "fMoW: scenes",
    "millionaid": "MillionAID: scenes",
    "nwpu": "NWPU-RESISC45: scenes",
    "patternnet": "PatternNet: scenes",
    "rsicb256": "RSI-CB256: scenes",
    "SkyScript_cls": "SkyScript's own scenes, 70 classes",
    "roof_shape": "fine-grained: shapes of roofs",
    "smoothness": "fine-grained: smoothness of roads",
    "surface": "fine-grained: surfaces of roads",
    "RSICD": "RSICD: retrieval",
    "RSITMD": "RSITMD: retrieval",
    "ucmcaptions": "UCM-Captions: retrieval",
}
_CHECKPOINTS = {
    "SkyCLIP_ViT_L14_top30pct": "ViT-L-14 trained on the top 30 %",
    "SkyCLIP_ViT_L14_top50pct": "ViT-L-14 trained on the top 50 %",
    "SkyCLIP_ViT_L14_top30pct_filtered_by_CLIP_laion_RS": "the same on the other filter's 30 %",
    "SkyCLIP_ViT_L14_top30pct_multi_objects": "ViT-L-14 trained on multi-object captions",
    "SkyCLIP_ViT_B32_top50pct": "ViT-B-32 trained on the top 50 %",
    "CLIP_ViT_L14_LAION_RS": "ViT-L-14 trained on LAION's remote-sensing images",
}

CATALOGUE: tuple[Artefact, ...] = (
    *(
        Artefact(f"images{part}.zip", "images", "a sixth of the images", 12 * _GB, md5)
        for part, md5 in _IMAGE_MD5S.items()
    ),
    *(
        Artefact(f"meta{part}.zip", "meta", f"a pickle for each image of images{part}")
        for part in _IMAGE_MD5S
    ),
    *(
        Artefact(f"dataframe/{stem}.csv", "captions", what, md5=md5)
        for stem, what, md5 in _CAPTIONS
    ),
    *(Artefact(f"benchmark/{name}.zip", "benchmark", what) for name, what in _BENCHMARKS.items()),
    *(Artefact(f"ckpt/{name}.zip", "checkpoint", what) for name, what in _CHECKPOINTS.items()),
)
"""All of them. The size of the image zips is an estimate, from the mean size of their JPEGs."""


def choose(wanted: Iterable[str], catalogue: Iterable[Artefact] = CATALOGUE) -> list[Artefact]:
    """Give the artefacts that names, kinds or patterns mean, each once, in the catalogue's order.

    Raises `InputError` for a word that means none.
    """
    artefacts = list(catalogue)
    chosen: set[str] = set()
    for word in wanted:
        found = [artefact.path for artefact in artefacts if _means(word, artefact)]
        if not found:
            known = [name for artefact in artefacts for name in (artefact.name, artefact.kind)]
            close = difflib.get_close_matches(word, dict.fromkeys(known), n=1, cutoff=0.5)
            raise InputError(
                f"{word}: nothing that was published has this name"
                + (f" (did you mean {close[0]}?)" if close else "")
                + "; skyscript download --list names all."
            )
        chosen.update(found)
    return [artefact for artefact in artefacts if artefact.path in chosen]


def _means(word: str, artefact: Artefact) -> bool:
    path = PurePosixPath(artefact.path)
    names = {artefact.path, artefact.name, path.name, path.stem, artefact.kind}
    if str(path.parent) != ".":
        names.add(str(path.parent))
    return word.rstrip("/") in names or any(fnmatch.fnmatchcase(name, word) for name in names)
