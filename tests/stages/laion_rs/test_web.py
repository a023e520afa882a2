"""Tables of web images: CSV and Parquet read alike, and what is wrong with one is named."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from stages.laion_rs.web import WebConfig, identify_content, web

PATHS = ["a.jpg", "b/c.png", "d.jpg"]
TITLES = ["one\nline\tof  text", "", "\u202eab\u0000c"]


def pairs(folder: Path, name: str, **options: object) -> list[tuple[str, str | None]]:
    config = WebConfig.model_validate({"images": folder, "captions": folder / name, **options})
    identify_content(config)
    return [
        (row["filepath"], row["title"])
        for part in web(config=config, root=folder)
        for row in part.to_pylist()
    ]


def test_csv_and_parquet_give_the_same_pairs_with_captions_of_one_line(tmp_path: Path) -> None:
    table = pa.table({"url": ["x"] * 3, "image": PATHS, "TEXT": TITLES})
    pq.write_table(table, tmp_path / "web.parquet")
    import csv

    with (tmp_path / "web.csv").open("w", newline="") as file:
        titles = [title.replace("\0", "\x07") for title in TITLES]  # a CSV holds no NUL
        csv.writer(file).writerows([table.column_names, *zip(["x"] * 3, PATHS, titles)])  # noqa: B905
    columns = {"image_column": "image", "caption_column": "TEXT", "shard_rows": 2}
    found = pairs(tmp_path, "web.csv", **columns)
    assert found == pairs(tmp_path, "web.parquet", **columns)
    assert found == [("a.jpg", "one line of text"), ("b/c.png", None), ("d.jpg", "ab c")]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("web.csv", b"path,title\n", "has no column 'filepath'; .* are 'path', 'title'"),
        ("web.csv", b"filepath,title\na.jpg\n", "line 2 has 1 fields, the header 2"),
        ("web.csv", b"filepath,title\n\xff,a\n", "line 2 is not text in UTF-8"),
        ("web.csv", b"filepath,title\n", "contains no pairs"),
        ("web.parquet", b"PAR1 not", "is not a Parquet file"),
        ("gone.csv", None, "there is no such file"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, data: bytes | None, sentence: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=sentence):
        pairs(tmp_path, name)


def test_a_folder_without_a_table_and_without_tars_is_one_sentence(tmp_path: Path) -> None:
    config = WebConfig.model_validate({"images": tmp_path})
    with pytest.raises(InputError, match=r"neither a tar nor a folder.*--captions"):
        identify_content(config)


def test_other_images_under_the_same_names_are_another_input(tmp_path: Path) -> None:
    for name in ("one", "two", "same"):
        (tmp_path / name).mkdir()
        for number in range(4):
            content = f"{number} of {'two' if name == 'two' and number == 3 else 'one'}"
            (tmp_path / name / f"{number}.jpg").write_text(content)
    (tmp_path / "web.csv").write_text(
        "filepath,title\n" + "".join(f"{n}.jpg,a\n" for n in range(4))
    )
    configs = [
        WebConfig(images=tmp_path / name, captions=tmp_path / "web.csv", shard_rows=2)
        for name in ("one", "two", "same")
    ]
    one, two, same = map(identify_content, configs)
    assert one == same != two
    parts = [list(web(config=config, root=tmp_path)) for config in configs]
    assert parts[0] == parts[2]
    assert parts[0][0] == parts[1][0]
    assert parts[0][1] != parts[1][1]
