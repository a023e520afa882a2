"""Fetching by addresses with img2dataset: the real program where it is installed."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, ItemsFailed
from skyscript.files.shards import find_tars, samples
from stages.laion_rs.fetched import FetchConfig, fetch_images
from tests.emulators.published import FileServer
from tests.stages.laion_rs.pictures import folder_of, ground, jpeg


def addresses(path: Path, urls: list[str]) -> Path:
    pq.write_table(
        pa.table({"URL": urls, "TEXT": [f"caption {n}" for n in range(len(urls))]}), path
    )
    return path


def test_without_the_program_it_says_how_to_get_it(tmp_path: Path) -> None:
    config = FetchConfig(urls=addresses(tmp_path / "web.parquet", []), program="no-such-program")
    with pytest.raises(InputError, match=r"no-such-program.*pip install img2dataset"):
        fetch_images(config, tmp_path / "shards")


def test_a_program_that_fails_is_named_with_its_exit_code(tmp_path: Path) -> None:
    config = FetchConfig(urls=addresses(tmp_path / "web.parquet", []), program="false")
    with pytest.raises(ItemsFailed, match="false has ended with 1"):
        fetch_images(config, tmp_path / "shards")
    with pytest.raises(InputError, match="there is no such file of addresses"):
        fetch_images(FetchConfig(urls=tmp_path / "gone.parquet", program="true"), tmp_path / "s")


def test_the_program_is_told_the_columns_and_the_size(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n')
    program.chmod(0o755)
    urls = addresses(tmp_path / "web.parquet", [])
    named = {"url_column": "link", "text_column": "alt", "longest_side": 256, "timeout": 5}
    config = FetchConfig.model_validate({"urls": urls, "program": str(program), **named})
    fetch_images(config, tmp_path / "shards")
    told = (tmp_path / "arguments").read_text().splitlines()
    assert {"--url_col=link", "--caption_col=alt", "--image_size=256", "--timeout=5"} <= {*told}


@pytest.mark.skipif(shutil.which("img2dataset") is None, reason="img2dataset is not installed")
def test_images_come_as_shards_that_the_job_reads(tmp_path: Path) -> None:
    files = folder_of(tmp_path / "files", {f"{n}.jpg": jpeg(ground(n)) for n in range(4)})
    with FileServer(files) as server:
        urls = [f"{server.base_url}{n}.jpg" for n in range(5)]  # the fifth is not there
        config = FetchConfig(urls=addresses(tmp_path / "web.parquet", urls), threads=2)
        fetch_images(config, tmp_path / "shards")
    (tar,) = find_tars(tmp_path / "shards")
    assert {sample.title for sample in samples(tar)} == {f"caption {n}" for n in range(4)}
