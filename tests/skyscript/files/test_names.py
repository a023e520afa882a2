"""The published names are written and read in one place, and nothing else is taken for one."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscript.files.names import (
    IMAGE_FILES,
    META_FILES,
    PARTS,
    PATTERN,
    ImageName,
    image_path,
    meta_path,
    parse,
)

NAMES = st.builds(
    ImageName,
    st.from_regex(r"[nwar][0-9]{1,19}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{2,3}", fullmatch=True),
    st.integers(0, 99),
)


@given(NAMES, st.sampled_from(PARTS))
def test_a_name_that_is_written_is_read_again(name, part):
    image = name.in_part(part)
    assert parse(image) == name
    assert parse(meta_path(image)) == name
    assert image_path(meta_path(image)) == image
    assert fnmatchcase(image, IMAGE_FILES)
    assert fnmatchcase(meta_path(image), META_FILES)


def test_an_image_and_its_meta_file_have_one_name():
    assert image_path("meta3/a12_CH_19.pickle") == "images3/a12_CH_19.jpg"
    assert meta_path("images3/a12_CH_19.jpg") == "meta3/a12_CH_19.pickle"


@pytest.mark.parametrize("path", ["n1_CH_19.jpg", "/disk/my images/images2/n1_CH_19.png"])
def test_any_folder_may_stand_above_a_name(path):
    assert parse(path) == ImageName("n1", "CH", 19)


STRANGE = [
    "cabin12_CH_19.jpg",
    "images2/xn12_CH_19.jpg",
    "n12_CH_19.jpg/photo.jpg",
    "n12_CH_19.jpg\n",
    "n12_CH_2019.jpg",
    "n12_CH_19",
    "n12__19.jpg",
    "N12_CH_19.jpg",
    "n_CH_19.jpg",
    "n١_CH_19.jpg",
    "",
]


@pytest.mark.parametrize("path", STRANGE)
def test_other_names_are_refused(path):
    assert parse(path) is None


@given(st.text(st.sampled_from("nwar19_CH./j pg\n\\"), max_size=20) | st.text(max_size=20))
def test_what_is_read_is_what_the_name_begins_with(path):
    if (name := parse(path)) is not None:
        assert path.rpartition("/")[2].startswith(f"{name}.")


def test_duckdb_reads_names_as_python_does():
    import duckdb

    paths = [*STRANGE, "a\nb/n1_CH_19.jpg", "images2/w34_S2_07.jpg"]
    with duckdb.connect() as connection:
        found = [
            connection.execute("SELECT regexp_extract(?, ?, 1)", [path, f"^{PATTERN}$"]).fetchall()[
                0
            ][0]
            for path in paths
        ]
    assert found == [name.object_id if (name := parse(path)) else "" for path in paths]
