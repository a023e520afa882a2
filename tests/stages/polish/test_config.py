"""How many sets of tags a request may ask for."""

import pytest
from pydantic import ValidationError

from stages.polish import PolishConfig


@pytest.mark.parametrize("batch", [1, 100])
def test_a_request_asks_for_one_to_a_hundred_sets_of_tags(batch: int) -> None:
    assert PolishConfig(batch=batch).batch == batch


@pytest.mark.parametrize("batch", [0, 101])
def test_no_request_asks_for_none_or_more(batch: int) -> None:
    with pytest.raises(ValidationError, match="batch"):
        PolishConfig(batch=batch)
