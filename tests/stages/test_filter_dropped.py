"""``filter_dropped.csv``: each pair that no file holds, and why."""

import json
from collections import Counter

from stages.filter import FilterConfig, filter_csv
from tests.stages.test_filter import BOX, HEADER, all_for_training, pairs, read, write


def reasons(out):
    return {row["filepath"]: row["reason"] for row in read(out / "filter_dropped.csv")}


def test_every_pair_is_in_a_file_or_has_a_reason(tmp_path):
    rows = [[*row, *_box(number)] for number, row in enumerate(pairs(400, lambda n: n / 400))]
    out = tmp_path / "out"
    options = FilterConfig(top=(20, 50), test_rows=5, val_rows=3, block=0.05)
    filter_csv(write(tmp_path / "in.csv", rows, HEADER + BOX), out, options)
    held = [row["filepath"] for file in out.glob("SkyScript_*.csv") for row in read(file)]
    why = reasons(out)
    assert set(held) | set(why) == {row[0] for row in rows}
    assert set(held).isdisjoint(why)
    assert list(why) == [row[0] for row in rows if row[0] in why]
    counts = Counter(why.values())
    assert counts["it ranks below the best 50 %"] > 100
    assert counts["it is set aside for test, and that file holds enough other pairs"] > 0
    assert json.loads((out / "filter_report.json").read_text())["dropped"] == len(why)


def _box(number):
    west, south = 7 + 0.02 * (number % 20), 47 + 0.02 * (number // 20)
    return [west, south, west + 0.001, south + 0.001]


def test_reasons_name_what_the_options_ask_for(tmp_path):
    rows = pairs(12, lambda n: n / 12, title=lambda n: "pond" if n < 3 else f"house {n}")
    header = [*HEADER, "image_hash", "date_gap_days"]
    rows = [[*row, f"{n + 1:016x}" if n < 9 else "f" * 16, ""] for n, row in enumerate(rows)]
    rows[4][-1] = "400"
    rows[5][3] = ""
    rows[6][1] = ""
    (tmp_path / "list.csv").write_text(f"filepath\n{rows[7][0]}\n")
    config = all_for_training(
        top=(100,), max_per_caption=1, max_per_image=1, near=0, max_days_after=30,
        leave_out=(tmp_path / "list.csv",),
    )  # fmt: skip
    filter_csv(write(tmp_path / "in.csv", rows, header), tmp_path / "out", config)
    why = {
        int(path.split("/a")[1].split("_")[0]): text
        for path, text in reasons(tmp_path / "out").items()
    }
    capped = "better pairs have its caption (max_per_caption), or it is outside of balance_from"
    copy = "better pairs show nearly the same image (max_per_image)"
    assert why == {
        0: capped,
        1: capped,
        4: "the object changed on the map after the capture",
        5: "it has no score",
        6: "it has no caption",
        7: "a list of images to leave out names its image",
        9: copy,
        10: copy,
    }
