"""Words that users type, and the artefacts they mean."""

import pytest

from pipeline.errors import InputError
from stages.download import CATALOGUE, choose


def names(*words: str) -> list[str]:
    return [artefact.name for artefact in choose(words)]


def test_there_are_six_parts_twelve_csvs_fourteen_benchmarks_and_six_models() -> None:
    kinds = [artefact.kind for artefact in CATALOGUE]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    assert counts == {"images": 6, "meta": 6, "captions": 12, "benchmark": 14, "checkpoint": 6}
    assert len({artefact.path for artefact in CATALOGUE}) == len(CATALOGUE)


def test_a_name_is_the_path_with_or_without_its_ending_or_the_last_part_of_it() -> None:
    for word in ("ckpt/SkyCLIP_ViT_B32_top50pct", "SkyCLIP_ViT_B32_top50pct.zip"):
        assert names(word) == ["ckpt/SkyCLIP_ViT_B32_top50pct"]
    assert names("aid", "images2.zip") == ["images2", "benchmark/aid"]


def test_a_kind_or_a_folder_means_all_of_it() -> None:
    assert names("meta") == [f"meta{part}" for part in range(2, 8)]
    assert names("ckpt") == names("checkpoint")
    assert len(names("captions")) == 12


def test_a_pattern_means_what_it_fits_and_nothing_comes_twice() -> None:
    assert names("images[23]", "images2") == ["images2", "images3"]
    assert len(names("*laion_RS*")) == 7


def test_a_word_that_means_nothing_is_named_with_a_near_one() -> None:
    with pytest.raises(InputError, match=r"imges2.*did you mean images2"):
        choose(["imges2"])


def test_csvs_lie_in_the_root_where_torchgeo_looks_for_them() -> None:
    (csv,) = choose(["SkyScript_test_30K_filtered_by_CLIP_openai"])
    assert csv.place == "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
    assert [a.place for a in choose(["images2", "aid"])] == ["images2", "benchmark/aid"]
