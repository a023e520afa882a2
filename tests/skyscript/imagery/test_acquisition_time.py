"""When an image was taken."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from skyscript.imagery.acquisition_time import Acquired, from_file, parse

ACQUIRED = TypeAdapter(Acquired)


@pytest.mark.parametrize(
    ("text", "time", "precision"),
    [
        ("2019", datetime(2019, 1, 1, tzinfo=UTC), "year"),
        ("2019-07-14", datetime(2019, 7, 14, tzinfo=UTC), "day"),
        ("2019-07-14T10:30", datetime(2019, 7, 14, 10, 30, tzinfo=UTC), "minute"),
    ],
)
def test_a_text_is_as_precise_as_it_is_long(text: str, time: datetime, precision: str) -> None:
    assert parse(text) == (time, precision)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2019, "2019"),
        (date(2019, 7, 14), "2019-07-14"),
        (datetime(2019, 7, 14, 10, 30), "2019-07-14T10:30"),  # noqa: DTZ001 - as YAML gives it
        (datetime(2019, 7, 14, 12, 30, tzinfo=timezone(timedelta(hours=2))), "2019-07-14T10:30"),
    ],
)
def test_what_yaml_makes_of_a_time_is_one_text(value: object, text: str) -> None:
    assert ACQUIRED.validate_python(value) == text


@pytest.mark.parametrize("text", ["", "19", "2019-7-4", "2019-02-30", "July 2019", "0019"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no time"):
        ACQUIRED.validate_python(text)


def test_a_files_own_time_is_read_and_the_satellites_comes_first() -> None:
    tags = {"TIFFTAG_DATETIME": "2021:03:04 05:06:07"}
    assert from_file(tags) == (datetime(2021, 3, 4, 5, 6, tzinfo=UTC), "minute")
    tags["ACQUISITIONDATETIME"] = "2020-01-02 03:04:05"
    assert from_file(tags) == (datetime(2020, 1, 2, 3, 4, tzinfo=UTC), "minute")


@pytest.mark.parametrize("value", ["0000:00:00 00:00:00", "", "yesterday"])
def test_a_files_time_that_is_none_is_not_taken(value: str) -> None:
    assert from_file({"TIFFTAG_DATETIME": value}) is None
    assert from_file({}) is None
