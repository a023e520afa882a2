"""What several stages read from outside the run."""

from __future__ import annotations

from collections.abc import Mapping

import tag_vocab
from pipeline.stage import StageConfig


def vocabulary(config: StageConfig) -> Mapping[str, str]:  # noqa: ARG001 - a stage's ``external``
    """Name the vocabulary by its content."""
    return {"tag_vocab": tag_vocab.content_id()}
