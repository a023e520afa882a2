"""Checkpoints that were made or damaged to harm: one line that names the file."""

import io
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from pipeline.errors import InputError  # noqa: E402
from skyscript.clip.checkpoint.reading import read_checkpoint  # noqa: E402
from skyscript.clip.checkpoint.state_dict import clip_weights  # noqa: E402


def refusal(path: Path) -> str:
    with pytest.raises(InputError, match=path.name) as caught:
        clip_weights(path, read_checkpoint(path))
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_name_in_the_archive_that_is_not_utf8(tmp_path: Path) -> None:
    torch.save({"logit_scale": torch.tensor(1.0)}, tmp_path / "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    at = data.rindex(b"a/version", 0, data.index(b"PK\x05\x06"))
    flags = data.rindex(b"PK\x01\x02", 0, at) + 8
    data = data[:flags] + b"\x00\x08" + data[flags + 2 :]
    (tmp_path / "a.pt").write_bytes(data[:at] + b"\xe1" + data[at + 1 :])
    assert "damaged or cut off" in refusal(tmp_path / "a.pt")


def test_names_that_cannot_be_printed_are_escaped(tmp_path: Path) -> None:
    torch.save({"\x1b[31m\nlogit": torch.tensor(1.0)}, tmp_path / "b.pt")
    assert "It contains \\x1b[31m\\nlogit" in refusal(tmp_path / "b.pt")


def test_an_archive_that_swells(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/code/x.py", "")
        archive.writestr("a/data.pkl", bytes(1 << 26))
    (tmp_path / "c.pt").write_bytes(buffer.getvalue())
    assert "it unpacks to 67,108,864 bytes, a zip bomb" in refusal(tmp_path / "c.pt")
