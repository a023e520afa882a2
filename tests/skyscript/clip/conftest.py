"""The tiny CLIP, and its architecture under names of open_clip's own."""

import json

import pytest

from skyscript.clip.source import TINY_FOLDER, ClipConfig, find_clip


@pytest.fixture(scope="session")
def tiny():
    pytest.importorskip("open_clip")
    from skyscript.clip.model import load_clip

    return load_clip(find_clip(ClipConfig(model="tiny")), "cpu")


@pytest.fixture
def architecture(tmp_path, monkeypatch):
    """The tiny model's architecture under names of open_clip's own, to load checkpoints into."""
    open_clip = pytest.importorskip("open_clip")
    config = json.loads((TINY_FOLDER / "open_clip_config.json").read_text())["model_cfg"]
    for name, quick in (("tiny-arch", False), ("tiny-arch-quickgelu", True)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(config | {"quick_gelu": quick}))
        open_clip.add_model_config(path)
    return "tiny-arch"
