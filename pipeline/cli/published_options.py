"""The options of SkyScript's published training script, in the words of `skyscript train`.

A published command runs with ``skyscript train`` in the place of its script. Most options have the
same name. The others are translated here, have no effect here, or are refused with what to do.
Source: `params.py` of github.com/wangzhecheng/SkyScript.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from pipeline.errors import ConfigError

log = logging.getLogger(__name__)

RENAMED: Mapping[str, str] = {
    "--logs": "--runs",
    "--wandb-project-name": "--wandb-project",
    "--datasets-for-testing": "--benchmarks",
}
"""Options with another name."""

REPLACED: Mapping[str, Sequence[str]] = {
    "--force-quick-gelu": ("--quick-gelu", "on"),
    "--gather-with-grad": ("--gather", "whole"),
    "--skip-scheduler": ("--lr-scheduler", "const", "--warmup", "0"),
}
"""Flags that are a value of an option."""

WITHOUT_EFFECT: Mapping[str, str] = {
    "--use-bn-sync": "several processes always normalise by the whole batch",
    "--local-loss": "the loss is the same",
    "--save-most-recent": "epoch_latest.pt is always written",
    "--ddp-static-graph": "it is not needed",
    "--lock-image-freeze-bn-stats": "locked layers always keep their statistics",
    "--lock-text-freeze-layer-norm": "locked layers are locked whole",
    "--no-set-device-rank": "give --device instead, if the GPU is not the one of the rank",
    "--log-local": "the first process writes the records",
    "--copy-codebase": "config.json records the options",
    "--debug": "it changes only what is logged",
}
"""Flags that change nothing here, with the reason."""

WITHOUT_EFFECT_WITH_VALUE: Mapping[str, str] = {
    "--dist-url": "torchrun or Slurm says how to join",
    "--dist-backend": "the device decides it",
    "--train-num-samples": "the pairs are counted",
    "--val-num-samples": "the pairs are counted",
    "--wandb-notes": "write them in wandb",
}
"""Options with a value that change nothing here, with the reason."""

REFUSED: Mapping[str, str] = {
    "--horovod": "start several processes with torchrun",
    "--imagenet-val": "give --benchmark-root and --benchmarks",
    "--imagenet-v2": "give --benchmark-root and --benchmarks",
    "--test-data": "give --benchmark-root and --benchmarks",
    "--classnames": "give --benchmark-root and --benchmarks",
    "--test-data-name": "give --benchmark-root and --benchmarks",
    "--csv-class-key": "give --benchmark-root and --benchmarks",
    "--distill-model": "distillation is not supported",
    "--distill-pretrained": "distillation is not supported",
    "--remote-sync": "copy the folder of --runs yourself",
    "--delete-previous-checkpoint": "give --save-frequency 0, which keeps only the last",
    "--dataset-resampled": "shards are shuffled over all pairs",
    "--train-data-upsampling-factors": "give one CSV or folder of shards",
    "--torchscript": "models are not compiled",
    "--trace": "models are not compiled",
    "--epochs-cooldown": "the schedules are cosine and const",
    "--force-image-size": "give a checkpoint of this size: its own size is used",
    "--force-patch-dropout": "name an architecture with it",
    "--force-custom-text": "name an architecture with it",
    "--image-mean": "the model's own normalisation is used",
    "--image-std": "the model's own normalisation is used",
}
"""Options that would change the weights and are not supported, each with what to do instead."""

_VALUES: Mapping[tuple[str, str], str] = {
    ("--precision", "amp_bfloat16"): "amp_bf16",
}


def translate_published(words: Sequence[str]) -> list[str]:
    """Give the words of a published command in the words of `skyscript train`.

    Raises `ConfigError` for an option that cannot be followed.
    """
    return list(_translated(iter(words)))


def _translated(words: Iterator[str]) -> Iterator[str]:
    before = ""
    for word in words:
        name, equals, value = word.partition("=")
        if name in REFUSED:
            raise ConfigError(f"{name} of the published script is not supported: {REFUSED[name]}.")
        if name in WITHOUT_EFFECT:
            log.warning("%s has no effect: %s", name, WITHOUT_EFFECT[name])
        elif name in WITHOUT_EFFECT_WITH_VALUE:
            log.warning("%s has no effect: %s", name, WITHOUT_EFFECT_WITH_VALUE[name])
            if not equals:
                next(words, None)
        elif name == "--resume":
            _check_resume(value if equals else next(words, ""))
        elif name in REPLACED:
            yield from REPLACED[name]
        elif name in RENAMED:
            yield RENAMED[name] + equals + value
        elif equals:
            yield f"{name}={_VALUES.get((name, value), value)}"
        else:
            yield _VALUES.get((before, word), word)
        before = word


def _check_resume(value: str) -> None:
    if value != "latest":
        raise ConfigError(
            f"--resume {value}: a training resumes by its --name. To start from other weights, "
            "give the file as --pretrained."
        )
