"""Answers of STAC archives as nobody promised them: scenes, or one line that names the archive."""

import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from skyscript.backends.stac import search as searching
from skyscript.backends.stac.api import items_of_api
from skyscript.backends.stac.bucket import _read_page
from skyscript.backends.stac.catalogue import items_of_catalogue
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box
from tests.hostile import TEXTS, check_reader, damaged, examples
from tests.skyscript.backends.stac.test_static import HERE, earthview

pytestmark = pytest.mark.filterwarnings("ignore")
SHARED = HealthCheck.function_scoped_fixture
ITEM = {
    "type": "Feature",
    "id": "a",
    "geometry": mapping(box(*HERE, HERE[0] + 1, HERE[1] + 1)),
    "bbox": [*HERE, HERE[0] + 1, HERE[1] + 1],
    "properties": {"datetime": "2022-07-01T00:00:00Z", "gsd": 1.0, "eo:cloud_cover": 3},
    "assets": {
        "visual": {
            "href": "https://example.org/a.tif",
            "raster:bands": [{"nodata": 0, "scale": 1, "offset": 0, "spatial_resolution": 1}],
        }
    },
    "links": [{"rel": "item", "href": "./b.json"}],
}
NODE = {
    "type": "Collection",
    "id": "c",
    "extent": {
        "spatial": {"bbox": [[*HERE, HERE[0] + 1, HERE[1] + 1]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    },
    "links": [{"rel": "item", "href": "./a.json"}, {"rel": "child", "href": "./c/catalog.json"}],
}
LIST = (
    b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    b"<Contents><Key>a.tif</Key></Contents></ListBucketResult>"
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """Give a JSON value with one to three of its parts replaced by another value, or lost."""
    value: Any = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(VALUES)
        inside, key = draw(st.sampled_from(places))
        if isinstance(inside, dict) and draw(st.booleans()):
            inside.pop(key)
        else:
            inside[key] = draw(VALUES)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from _places(value[key])


class Api:
    """Stands for the client, which passes on what the server says."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def search(self, **_: Any) -> "Api":
        return self

    def pages_as_dicts(self) -> Iterator[Any]:
        yield self._page

    def items_as_dicts(self) -> Iterator[Any]:
        yield from self._page["features"]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Give a function that searches an archive whose items come from a function."""

    def check(items: Any, **fields: Any) -> None:
        monkeypatch.setattr(searching, "_items", lambda kind, *given: items(*given))
        given_ = {"api": "https://example.org", "collection": "x", "assets": ["visual"]}
        source = StacSource.model_validate({**given_, **fields})
        (tmp_path / "inside").mkdir(exist_ok=True)
        check_reader(
            lambda _: StacBackend(source).search("OWN", [Box(*HERE, *HERE)]),
            tmp_path / "inside" / "none",
            named="example.org",
        )

    return check


@pytest.mark.slow
@examples(100, SHARED)
@given(items=st.lists(changed(ITEM) | VALUES, max_size=3), per_place=st.sampled_from([None, 2]))
def test_any_page_of_an_api(answered, items, per_place):
    page = {"features": items}
    answered(
        lambda wanted, places: items_of_api(Api(page), wanted, places),
        **({} if per_place is None else {"per_place": per_place}),
    )


@examples(60, SHARED)
@given(page=VALUES, per_place=st.sampled_from([None, 2]))
def test_any_json_in_the_place_of_a_page(answered, page, per_place):
    answered(
        lambda wanted, places: items_of_api(Api(page), wanted, places),
        **({} if per_place is None else {"per_place": per_place}),
    )


@pytest.mark.slow
@examples(100, SHARED)
@given(node=changed(NODE) | VALUES, item=changed(ITEM) | VALUES)
def test_any_files_of_a_static_catalogue(answered, node, item):
    def read(address: str) -> Any:
        return item if address.endswith(("a.json", "b.json")) else node

    answered(lambda wanted, places: items_of_catalogue(wanted, places, read))


@given(data=damaged(LIST))
def test_any_list_of_a_bucket(data):
    try:
        names, token = _read_page(data)
    except ValueError:
        return
    assert all(isinstance(name, str) for name in names)
    assert token is None or isinstance(token, str)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "items.parquet"
    earthview(path)
    buffer = io.BytesIO()
    pq.write_table(pq.read_table(path), buffer, compression="none", use_dictionary=False)
    return buffer.getvalue()


@pytest.mark.slow
@examples(100, SHARED)
@given(data=st.data())
def test_a_damaged_geoparquet_of_items(tmp_path_factory, table, data):
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    path = folder / "items.parquet"
    path.write_bytes(data.draw(damaged(table)))
    source = StacSource.model_validate({"items": str(path), "assets": ["visual"]})
    check_reader(lambda _: StacBackend(source).search("OWN", [Box(*HERE, *HERE)]), path)
