"""A name from outside never leads out of its folder, and no archive's member is a link."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skyscript.files.paths import LEADS_OUT, below, leads_out, member_problem, normalise

ROOT = Path("/data/root")
NAMES = st.text(st.sampled_from("./\\:~aC\0\n"), max_size=12) | st.text(max_size=12)


@given(NAMES)
@example("..\n")
@example("a/..")
def test_no_name_leads_out_of_its_folder(name):
    try:
        place = below(ROOT, name)
    except PermissionError:
        assert leads_out(name)
        return
    assert Path(os.path.normpath(place)).is_relative_to(ROOT)
    assert "\0" not in str(place)
    assert normalise(normalise(name)) == normalise(name)


@given(NAMES)
def test_arrow_refuses_the_same_names(name):
    found = pc.match_substring_regex(pa.array([name], pa.large_string()), LEADS_OUT)
    assert found.to_pylist() == [leads_out(name)]


@pytest.mark.parametrize("name", ["a/b.jpg", "./a//b.jpg", ".../x", "a/..b/x", "~/x", "ab:c", "é"])
def test_ordinary_names_are_taken(name):
    assert not leads_out(name)
    assert below(ROOT, name) == ROOT / name


@pytest.mark.parametrize(
    ("name", "is_plain", "problem"),
    [
        ("a/b.jpg", True, None),
        ("a/", True, None),
        ("a/../b.jpg", True, "leads out of the archive"),
        ("a/b.jpg", False, "is a link or a device"),
        ("a\nb.jpg", True, "has a name that cannot be printed"),
        ("a/" + "é" * 128, True, "has too long a name"),
    ],
)
def test_a_member_that_refuses_its_archive_says_why(name, is_plain, problem):
    assert member_problem(name, is_plain=is_plain) == problem
