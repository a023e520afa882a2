"""Options of scoring."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import EXECUTION, ConfigPath
from skyscript.clip.source import ClipConfig


class ScoreConfig(ClipConfig):
    """Which CLIP scores, and what the score is called."""

    name: str = Field(
        "CLIP_openai",
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Name the scorer: its column in the CSVs is similarity_<name>.",
    )
    phrases: bool = Field(
        False,
        description="Also score each neighbour's phrase of title_multi_objects as a caption of "
        "its own. The column phrases_<name> lets the filter drop single phrases.",
    )
    check: int = Field(
        2,
        ge=0,
        description="Score this many pairs of each part a second time in fp32, with open_clip's "
        "own transform. The part fails if the scores differ.",
        json_schema_extra=EXECUTION,
    )
    tolerance: float = Field(
        2e-3,
        gt=0,
        description="Let the two scores of `check` differ by at most this.",
        json_schema_extra=EXECUTION,
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="Use this many CPU threads for one model. By default, it is one in a worker "
        "process, else all.",
        json_schema_extra=EXECUTION,
    )


OFF = "none"
"""In place of a model: the run is not scored."""


class RunScoreConfig(ScoreConfig):
    """The same of a run, which is scored only where its config names a model."""

    model: str = Field(
        OFF,
        description="Score with this model: an architecture of open_clip (ViT-L-14, with "
        "`pretrained: openai`), `local-dir:FOLDER`, `hf-hub:OWNER/NAME`, or `tiny`, which knows "
        "only simulated tiles. With `none`, the run is neither scored nor filtered.",
        json_schema_extra=EXECUTION,
    )


class PairScoreConfig(ScoreConfig):
    """The same for pairs from outside a run."""

    images: ConfigPath = Field(
        description="Read images from this folder: the paths of the captions file start there. "
        "Without a captions file, name WebDataset shards: a folder of tars, or several tars by "
        "braces, as 'shards-{0000..0009}.tar'."
    )
