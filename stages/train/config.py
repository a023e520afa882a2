"""Options of training: those of the published command line, and others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.stage import EXECUTION, ConfigFile, ConfigPath, ConfigPlace
from skyscript.clip.source import Device
from stages.train.augmentation import AugConfig
from stages.train.published import SKYCLIP_FIXED, SKYCLIP_OPTIONS, SKYCLIP_RATES
from stages.train.tower_config import TowerConfig

SAID = "statements"
"""The name of statements among the weights of captions."""


class TrainConfig(TowerConfig):
    """Continual training of a CLIP on pairs of images and captions."""

    protocol: Literal["skyclip"] | None = Field(
        None,
        description="Train as published (`skyclip`): plain AdamW, plain loss, features gathered "
        "without their gradient, random interpolation, and the published values of all options "
        "that are not given.",
    )
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Write the run to this folder in `runs`. If the folder exists, its "
        "run goes on. By default, it is named after the recipe, or without one after the model.",
        json_schema_extra=EXECUTION,
    )
    runs: ConfigPath = Field(
        Path("runs"),
        description="Keep all runs in this folder.",
        json_schema_extra=EXECUTION,
    )

    train_data: ConfigFile = Field(
        description="Train on this CSV of pairs (a file, or an object in a bucket), or on "
        "WebDataset shards: one tar, a folder of tars, or `train-{00000..00099}.tar`. It is "
        "required, here or in the recipe."
    )
    val_data: ConfigFile | None = Field(None, description="Validate on this CSV or these shards.")
    root_data_dir: ConfigPlace | None = Field(
        None,
        description="Read the image paths of the CSV relative to this folder, or this one in a "
        "bucket (s3://, gs://, az://). A path outside it is an error.",
    )
    dataset_type: Literal["auto", "csv", "webdataset"] = Field(
        "auto",
        description="State the format of the data. With `auto`, a folder or a name that ends in "
        ".tar means shards.",
    )
    csv_img_key: str = Field(
        "filepath", description="Read the image paths from this column of the CSV."
    )
    csv_caption_key: str = Field(
        "title",
        description="Read the captions from this column of the CSV. In shards, any name but "
        "`title` is a key of the .json files.",
    )
    caption_weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = Field(
        None,
        description="Draw the caption of a pair anew in each epoch, from these columns by their "
        "weights: title=2 title_long=1. The name `statements` means a true statement on the image "
        "(`statements`). A pair takes part with the captions that it has. Validation uses "
        "`csv_caption_key`.",
    )
    statements: ConfigPlace | None = Field(
        None,
        description="Train with the true and false statements of this run, or of this Parquet "
        "file of a run's table `statements`. `caption_weights` uses the true ones, and "
        "`hard_negatives` the false ones: set one of the two options or both.",
    )
    hard_negatives: int = Field(
        0,
        ge=0,
        description="Compare an image also with at most N false statements on it, as negative "
        "texts of this image alone. They are drawn anew in each epoch.",
    )
    csv_separator: str = Field(
        ",",
        min_length=1,
        max_length=1,
        description="Split the columns of the CSV at this character.",
    )
    max_bad_images: float = Field(
        0.001,
        ge=0,
        le=1,
        description="Stop when more than this share of the pairs has an image that cannot be read. "
        "Until then, the next row replaces such a pair, and unreadable.jsonl names it. With 0, the "
        "first such image stops the training.",
        json_schema_extra=EXECUTION,
    )

    image_interpolation: Literal["bicubic", "bilinear", "random"] = Field(
        "bicubic", description="Interpolate crops in this way; `random` draws one of the others."
    )
    random_rotation: bool = Field(
        True, description="Turn each crop by 0, 90, 180 or 270 degrees, at random."
    )
    aug_cfg: AugConfig = Field(
        default_factory=lambda: AugConfig.model_validate({}),
        description="Set options of augmentation: use_timm=True color_jitter=0.4 scale='(0.67, "
        "1.0)'.",
    )

    batch_size: int = Field(
        128,
        ge=1,
        description="Use this many pairs for each device and batch.",
        json_schema_extra=EXECUTION,
    )
    accum_freq: int = Field(
        1,
        ge=1,
        description="Collect N batches for one step. The loss then treats all their pairs as one "
        "large batch.",
        json_schema_extra=EXECUTION,
    )
    epochs: int = Field(20, ge=1, description="Go through all pairs this many times.")
    warmup: int = Field(
        1000, ge=0, description="Raise the learning rate to its full value over this many steps."
    )
    lr: float = Field(1e-6, gt=0, description="Train with this learning rate.")
    lr_scheduler: Literal["cosine", "const"] = Field(
        "cosine",
        description="Let the learning rate fall (`cosine`) or stay (`const`) after the warm-up.",
    )
    wd: float = Field(0.2, ge=0, description="Apply this weight decay.")
    beta1: float | None = Field(
        None, description="Set Adam's beta1. By default, CLIP's value for the architecture."
    )
    beta2: float | None = Field(
        None, description="Set Adam's beta2. By default, CLIP's value for the architecture."
    )
    eps: float | None = Field(
        None, description="Set Adam's epsilon. By default, CLIP's value for the architecture."
    )
    grad_clip_norm: float | None = Field(None, gt=0, description="Clip the gradient to this norm.")
    optimizer: Literal["kahan", "adamw"] = Field(
        "kahan",
        description="Use AdamW with compensated sums (`kahan`), so that steps below the rounding "
        "of fp32 add up, as with learning rates of 1e-9. Or use PyTorch's (`adamw`).",
    )
    precision: Literal["auto", "fp32", "amp", "amp_bf16"] = Field(
        "auto",
        description="Compute in fp16 where it is safe (`amp`), in bfloat16 (`amp_bf16`) or in "
        "fp32. Weights are always fp32. `auto` means amp on a GPU, else fp32.",
    )
    loss: Literal["clip", "siglip"] = Field("clip", description="Use CLIP's or SigLIP's loss.")
    same_text: Literal["positive", "negative"] = Field(
        "positive",
        description="If another pair in the batch has the same caption, count the two as a match "
        "(`positive`; recommended), or as a negative pair (`negative`, as published).",
    )
    truth: ConfigPlace | None = Field(
        None,
        description="Read the table `truth` of this run, or this Parquet file of it. If an image "
        "certainly shows what another caption of the batch names, image and caption are then no "
        "negative pair.",
    )
    batches: Literal["distinct-texts", "shuffled"] = Field(
        "shuffled",
        description="Shuffle all pairs (`shuffled`), or keep the same caption from appearing "
        "twice in a batch as far as possible (`distinct-texts`).",
    )
    gather: Literal["whole", "own-rank"] = Field(
        "whole",
        description="On several devices, give the loss the same gradient as one device with all "
        "pairs (`whole`), or only that of each device's own features (`own-rank`, the default of "
        "open_clip).",
    )
    parallel: Literal["ddp", "fsdp"] = Field(
        "ddp",
        description="With several processes, hold all weights in each (`ddp`), or split weights, "
        "gradients and the optimiser's state over them (`fsdp`), which needs less memory.",
        json_schema_extra=EXECUTION,
    )
    seed: int = Field(0, description="Seed order, augmentation and dropout.")

    workers: int = Field(
        4, ge=0, description="Load images in N processes per device.", json_schema_extra=EXECUTION
    )
    device: Device | None = Field(
        None,
        description="Run on cpu or cuda. By default, a GPU is used if there is one.",
        json_schema_extra=EXECUTION,
    )
    save_frequency: int = Field(
        1,
        ge=0,
        description="Keep epoch_N.pt every N epochs, and always after the last. With 0, only the "
        "last is kept.",
        json_schema_extra=EXECUTION,
    )
    save_steps: int = Field(
        1000,
        ge=0,
        description="Also write epoch_latest.pt every N steps, so that a training can resume after "
        "a power cut. A training that stops for another reason writes it too. With 0, it is "
        "written only then.",
        json_schema_extra=EXECUTION,
    )
    extend: bool = Field(
        False,
        description="Continue a training of this name to more epochs than it had before. The "
        "learning rate then follows the schedule of the new number of epochs.",
        json_schema_extra=EXECUTION,
    )
    val_frequency: int = Field(
        1,
        ge=0,
        description="Validate every N epochs, and after the last.",
        json_schema_extra=EXECUTION,
    )
    zeroshot_frequency: int = Field(
        1,
        ge=0,
        description="Measure zero-shot accuracy every N epochs, and after the last.",
        json_schema_extra=EXECUTION,
    )
    benchmark_root: ConfigPath | None = Field(
        None, description="Read the benchmarks from this folder.", json_schema_extra=EXECUTION
    )
    benchmarks: tuple[str, ...] | None = Field(
        None, description="Use these sets. By default, use all.", json_schema_extra=EXECUTION
    )
    log_every_n_steps: int = Field(
        10, ge=1, description="Record the loss every N steps.", json_schema_extra=EXECUTION
    )
    report_to: tuple[Literal["tensorboard", "wandb"], ...] = Field(
        (),
        description="Record the loss in these services too, not only in progress.jsonl.",
        json_schema_extra=EXECUTION,
    )
    wandb_project: str = Field(
        "skyscript", description="Record in this project of wandb.", json_schema_extra=EXECUTION
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_published_values(cls, given: object) -> object:
        if not isinstance(given, dict) or given.get("protocol") != "skyclip":
            return given
        for key, value in SKYCLIP_FIXED.items():
            if given.get(key, value) != value:
                raise ValueError(f"protocol skyclip has {key} {value!r}, not {given[key]!r}")
        filled = {**SKYCLIP_OPTIONS, **SKYCLIP_FIXED, **given}
        if "lr" not in filled:
            if filled["model"] not in SKYCLIP_RATES:
                raise ValueError(f"protocol skyclip names no lr for {filled['model']}: give --lr")
            filled["lr"] = SKYCLIP_RATES[filled["model"]]
        return filled

    @model_validator(mode="after")
    def _check_truth(self) -> Self:
        if self.truth is not None and self.same_text == "negative":
            raise ValueError("truth needs same_text: positive")
        return self

    @model_validator(mode="after")
    def _check_statements(self) -> Self:
        weights = self.caption_weights or {}
        if weights and not self.caption_columns():
            raise ValueError("caption_weights needs a column, for images without statements")
        wants = [SAID] if SAID in weights else []
        wants += ["hard_negatives"] if self.hard_negatives else []
        if wants and self.statements is None:
            raise ValueError(f"{wants[0]} needs statements, a run that has this table")
        if self.statements is not None and not wants:
            raise ValueError("statements needs hard_negatives, or caption_weights that name it")
        if self.hard_negatives and self.same_text == "negative":
            raise ValueError("hard_negatives needs same_text: positive")
        return self

    def caption_columns(self) -> tuple[str, ...]:
        """Give the columns of the captions to train on."""
        if self.caption_weights is None:
            return (self.csv_caption_key,)
        return tuple(name for name in self.caption_weights if name != SAID)

    @model_validator(mode="after")
    def _check_benchmark_root(self) -> Self:
        if self.benchmarks and self.benchmark_root is None:
            raise ValueError("benchmarks need benchmark_root, the folder that contains them")
        return self
