"""Options of an evaluation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.stage import EXECUTION, ConfigPath
from skyscript.clip.model import Precision
from skyscript.clip.source import ClipConfig

Protocol = Literal["fp32", "original"]
PRECISION: dict[Protocol, Precision] = {"fp32": "fp32", "original": "amp"}


class EvaluateConfig(ClipConfig):
    """The model, the benchmarks and the protocol of an evaluation."""

    pretrained: str | None = Field(
        None,
        description="Load these weights: a tag that open_clip knows, or a checkpoint file. A "
        "model folder contains its own weights.",
        json_schema_extra=EXECUTION,
    )
    benchmarks: ConfigPath | None = Field(
        None,
        description="Read the benchmarks from this folder, laid out as published. It is required, "
        "unless `choices` or `regions` is given.",
    )
    sets: tuple[str, ...] | None = Field(
        None,
        description="Evaluate these sets, groups of sets (scene, fine_grained, retrieval) or "
        "folders of your own. By default, all published sets in `benchmarks` are evaluated.",
    )
    skyscript: ConfigPath | None = Field(
        None,
        description="Read the published dataset (images2 … and the test CSV) from this folder, "
        "for its own retrieval test. By default, it is SkyScript in the folder of benchmarks.",
    )
    truth: ConfigPath | None = Field(
        None,
        description="In retrieval, also count an image as right if the table `truth` says that it "
        "shows what the text names. Give a run, or a file of that table. The option has no effect "
        "on sets whose images are not in the table.",
    )
    choices: ConfigPath | None = Field(
        None,
        description="Let the model find the true one of several statements on an image: a JSON of "
        "`skyscript export-data --format choices` beside its images, or its folder.",
    )
    regions: ConfigPath | None = Field(
        None,
        description="Let the model find what a box of an image shows: read the statements `region` "
        "and the images of the run in this folder.",
    )
    protocol: Protocol = Field(
        "fp32",
        description="Compute in fp32 throughout (`fp32`), or in half precision as published "
        "(`original`).",
    )
    linear_probe: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Also fit a linear classifier on the vectors of this share of each class's "
        "images, and test it on the others: a linear probe. The fit is in closed form.",
    )
    shots: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        None,
        description="For each of these numbers, also fit the classifier on that many images of "
        "each class (few-shot), and test it on the others. The figure is the mean of five draws.",
    )
    name: str | None = Field(
        None,
        description="Call the model this in tables. By default, the name of the model is used.",
    )
    batch_size: int = Field(
        64,
        ge=1,
        description="Pass this many images through the model at once.",
        json_schema_extra=EXECUTION,
    )
    workers: int | None = Field(
        None,
        ge=1,
        description="Read and decode images in this many threads. By default, there are four on a "
        "CPU, and processes instead beside a GPU.",
        json_schema_extra=EXECUTION,
    )

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        if self.benchmarks is None:
            if self.choices is None and self.regions is None:
                raise ValueError("benchmarks is required, unless choices or regions is given")
            for name in ("sets", "skyscript", "truth", "linear_probe", "shots"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs benchmarks, the folder that contains them")
        return self
