"""Options of training: those of the published command line, and what was missing there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.stage import EXECUTION, ConfigPath, StageConfig

Pair = tuple[float, float]


class AugConfig(StageConfig):
    """Augmentation, by the names of open_clip's ``--aug-cfg``."""

    use_timm: bool = Field(True, description="timm's transform; else torchvision's crop alone.")
    scale: Pair = Field((0.67, 1.0), description="Share of the image that a crop covers.")
    ratio: Pair | None = Field((0.5, 2.0), description="Aspect of the crop (timm only).")
    color_jitter: float | tuple[float, ...] | None = Field(
        0.4, description="Strength of random brightness, contrast and saturation."
    )
    color_jitter_prob: float | None = Field(None, description="Its probability (not with timm).")
    gray_scale_prob: float | None = Field(None, description="Share made grey (not with timm).")
    re_prob: float | None = Field(None, description="Probability of random erasing (timm only).")
    re_count: int | None = Field(None, description="Boxes that are erased (timm only).")

    @model_validator(mode="before")
    @classmethod
    def _torchvision_has_a_crop_alone(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("use_timm") in (False, "False", "false"):
            return {"color_jitter": None, "ratio": None} | given
        return given

    def open_clip(self) -> dict[str, Any]:
        """Give what open_clip's AugmentationCfg takes."""
        return {name: value for name, value in self if value is not None}


SKYCLIP_FIXED: Mapping[str, Any] = {
    "optimizer": "adamw",
    "loss": "clip",
    "same_text": "negative",
    "batches": "shuffled",
    "gather": "own-rank",
    "image_interpolation": "random",
    "lr_scheduler": "cosine",
}
"""What the published code did, whatever its options."""

SKYCLIP_OPTIONS: Mapping[str, Any] = {
    "model": "ViT-L-14",
    "pretrained": "openai",
    "precision": "amp",
    "random_rotation": True,
    "aug_cfg": {
        "use_timm": True,
        "color_jitter": 0.4,
        "scale": (0.67, 1.0),
        "ratio": (0.5, 2.0),
    },
    "batch_size": 128,
    "epochs": 20,
    "warmup": 1000,
    "wd": 1.0,
    "save_frequency": 1,
    "val_frequency": 1,
}
"""What the published command gave to its options."""

SKYCLIP_RATES: Mapping[str, float] = {"ViT-L-14": 3e-9, "ViT-B-32": 1e-9}


class TrainConfig(StageConfig):
    """Continual training of a CLIP on pairs of images and captions."""

    protocol: Literal["skyclip"] | None = Field(
        None,
        description="skyclip: the published behaviour (plain AdamW, plain loss, gathered features "
        "without their gradient, random interpolation) with the published values for what is not "
        "said.",
    )
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="The run's folder in `runs`. The same name goes on where it stopped. "
        "[default: the recipe's name, else the model's]",
        json_schema_extra=EXECUTION,
    )
    runs: ConfigPath = Field(
        Path("runs"),
        description="Folder of all runs.",
        json_schema_extra=EXECUTION,
    )

    train_data: ConfigPath = Field(
        description="A CSV of pairs, or WebDataset shards: one tar, a folder of them, or "
        "`train-{00000..00099}.tar`."
    )
    val_data: ConfigPath | None = Field(None, description="The same for validation.")
    root_data_dir: ConfigPath | None = Field(
        None, description="Folder that the CSV's image paths start at, and may not leave."
    )
    dataset_type: Literal["auto", "csv", "webdataset"] = Field(
        "auto", description="auto: shards where the name ends in .tar or is a folder."
    )
    csv_img_key: str = Field("filepath", description="Column of the image paths.")
    csv_caption_key: str = Field(
        "title",
        description="Column of the captions; in shards, other than `title`, a key of .json.",
    )
    csv_separator: str = Field(",", min_length=1, max_length=1, description="Column separator.")
    bad_images: Literal["stop", "skip"] = Field(
        "stop",
        description="An image that cannot be read stops the training (it goes on once mended), or "
        "the next row takes its place and unreadable.jsonl names it.",
    )

    model: str = Field(
        "ViT-L-14",
        description="An architecture of open_clip's, local-dir:FOLDER, hf-hub:OWNER/NAME, or tiny.",
    )
    pretrained: str | None = Field(
        None, description="Weights to start from: a tag of open_clip's or a file. None: random."
    )
    quick_gelu: Literal["auto", "on", "off"] = Field(
        "auto", description="The activation of OpenAI's weights and all that began from them."
    )
    image_interpolation: Literal["bicubic", "bilinear", "random"] = Field(
        "bicubic", description="Of training crops; random: bilinear or bicubic."
    )
    random_rotation: bool = Field(
        True, description="Turn each crop by 0, 90, 180 or 270 degrees, at random."
    )
    aug_cfg: AugConfig = Field(
        default_factory=lambda: AugConfig.model_validate({}),
        description="Augmentation: use_timm=True color_jitter=0.4 scale='(0.67, 1.0)'.",
    )

    batch_size: int = Field(
        128, ge=1, description="Pairs on a device at once.", json_schema_extra=EXECUTION
    )
    accum_freq: int = Field(
        1,
        ge=1,
        description="Such batches in a step; their pairs are one another's negatives.",
        json_schema_extra=EXECUTION,
    )
    epochs: int = Field(20, ge=1, description="Times that all pairs are seen.")
    warmup: int = Field(1000, ge=0, description="Steps until the learning rate is whole.")
    lr: float = Field(1e-6, gt=0, description="Learning rate.")
    lr_scheduler: Literal["cosine", "const"] = Field("cosine", description="After the warm-up.")
    wd: float = Field(0.2, ge=0, description="Weight decay.")
    beta1: float | None = Field(None, description="Of Adam. [default: the architecture's]")
    beta2: float | None = Field(None, description="Of Adam. [default: the architecture's]")
    eps: float | None = Field(None, description="Of Adam. [default: the architecture's]")
    grad_clip_norm: float | None = Field(None, gt=0, description="Largest norm of the gradient.")
    optimizer: Literal["kahan", "adamw"] = Field(
        "kahan",
        description="kahan: AdamW whose sums are compensated, so that steps below the rounding of "
        "fp32 (learning rates of 1e-9) add up. adamw: PyTorch's.",
    )
    precision: Literal["auto", "fp32", "amp", "amp_bf16"] = Field(
        "auto",
        description="amp: fp16 where safe; weights are fp32 always. auto: amp on a GPU, else fp32.",
    )
    loss: Literal["clip", "siglip"] = Field("clip", description="Softmax, or SigLIP's sigmoid.")
    same_text: Literal["positive", "negative"] = Field(
        "positive",
        description="What an image is to the equal caption of another pair in the batch: no "
        "negative (a positive of SigLIP's loss), or, as published, a negative.",
    )
    batches: Literal["distinct-texts", "shuffled"] = Field(
        "shuffled",
        description="distinct-texts: no caption twice in a batch, where there are batches enough.",
    )
    gather: Literal["whole", "own-rank"] = Field(
        "whole",
        description="Over several devices, the loss has the gradient of one device with all pairs, "
        "or (open_clip's default) only of each device's own features.",
    )
    grad_checkpointing: bool = Field(
        False, description="Less memory, more time.", json_schema_extra=EXECUTION
    )
    seed: int = Field(0, description="Of order, augmentation and dropout.")

    workers: int = Field(
        4, ge=0, description="Processes that load images, a device.", json_schema_extra=EXECUTION
    )
    device: str | None = Field(
        None, description="cpu or cuda. [default: a GPU if any]", json_schema_extra=EXECUTION
    )
    save_frequency: int = Field(
        1,
        ge=0,
        description="Keep epoch_N.pt every N epochs, and the last one always. 0: write nothing "
        "before the end, or what `save_steps` says.",
        json_schema_extra=EXECUTION,
    )
    save_steps: int | None = Field(
        None,
        ge=1,
        description="Write epoch_latest.pt every so many steps too, to go on from after a crash.",
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
        description="Zero-shot accuracy every N epochs, and after the last.",
        json_schema_extra=EXECUTION,
    )
    benchmark_root: ConfigPath | None = Field(
        None, description="Folder of the benchmarks.", json_schema_extra=EXECUTION
    )
    benchmarks: tuple[str, ...] | None = Field(
        None, description="Which ones. [default: all that are there]", json_schema_extra=EXECUTION
    )
    log_every_n_steps: int = Field(
        10, ge=1, description="Steps between two records of the loss.", json_schema_extra=EXECUTION
    )
    report_to: tuple[Literal["tensorboard", "wandb"], ...] = Field(
        (), description="Besides progress.jsonl.", json_schema_extra=EXECUTION
    )
    wandb_project: str = Field(
        "skyscript", description="Project at wandb.", json_schema_extra=EXECUTION
    )

    @model_validator(mode="before")
    @classmethod
    def _published(cls, given: object) -> object:
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
    def _benchmarks_lie_somewhere(self) -> Self:
        if self.benchmarks and self.benchmark_root is None:
            raise ValueError("benchmarks need benchmark_root, the folder they lie in")
        return self
