"""The tables of `skyscript compare`: retrieval in all ways in which it is counted."""

from typing import Any

from stages.evaluate import format_tables


def recalls(to_text: float, to_image: float) -> dict[str, Any]:
    return {
        "image_to_text": {"mean_recall": to_text},
        "text_to_image": {"mean_recall": to_image},
        "intervals": {"image_to_text": {"mean_recall": [to_text - 0.01, to_text + 0.01]}},
    }


def results(name: str, sets: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": {"name": name},
        "protocol": "fp32",
        "sets": {one: {"kind": "retrieval", **found} for one, found in sets.items()},
        "mean_of_seven": {"top1": None, "partial_top1": None, "over": []},
    }


PLAIN = {"published": recalls(0.1, 0.2), "own_pair": recalls(0.05, 0.06)}
JUDGED = PLAIN | {
    "truth": recalls(0.5, 0.6),
    "truth_judged": recalls(0.7, 0.8),
    "truth_of_pairs": {"right": 0.297, "own": 0.01, "wrong": 0.3, "unknown": 0.403},
}


def cells(shown: str, start: str) -> list[list[str]]:
    """Give the cells of the rows that begin so."""
    rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines())
    return [row for row in rows if row and row[0].startswith(start)]


def test_recalls_by_truth_stand_beside_the_published_ways() -> None:
    shown = format_tables([results("one", {"SkyScript": JUDGED}), results("two", {"mine": PLAIN})])
    assert cells(shown, "mean recall, %, by") == [
        ["mean recall, %, by what is a right answer", "SkyScript", "mine"]
    ]
    assert cells(shown, "as published: ") == [
        ["as published: one (fp32)", "10.00 ± 1.00 / 20.00", "–"],
        ["as published: two (fp32)", "–", "10.00 ± 1.00 / 20.00"],
    ]
    assert cells(shown, "only its own pair is right: two")[0][2] == "5.00 ± 1.00 / 6.00"
    by_truth = cells(shown, "by truth; ")
    assert [row[1] for row in by_truth] == ["50.00 ± 1.00 / 60.00", "70.00 ± 1.00 / 80.00"]
    assert all("one (fp32)" in row[0] for row in by_truth)  # two was not counted by truth
    assert cells(shown, "SkyScript: one") == [
        ["SkyScript: one (fp32)", "29.70", "1.00", "30.00", "40.30"]
    ]


def test_results_without_a_truth_have_no_line_of_it() -> None:
    shown = format_tables([results("two", {"SkyScript": PLAIN})])
    assert "truth" not in shown
    assert len(cells(shown, "as published: ")) == 1
