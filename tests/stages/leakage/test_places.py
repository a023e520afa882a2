"""Pairs of one place, and where the places of a benchmark come from."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from pipeline.errors import InputError
from skyscript.geo.tile import Box
from stages.leakage.pictures import Benchmark, Paths, Picture
from stages.leakage.places import PlaceIndex
from tests.stages.leakage.villages import jpeg

GREY = np.full((8, 8, 3), 90, np.uint8)


def picture(path, *box):
    return Picture("set", path, None, Box(*box))


def pairs(theirs, ours, apart=0.0):
    index = PlaceIndex([picture(str(n), *box) for n, box in enumerate(theirs)], apart)
    return [
        (match.ours, match.theirs, match.distance, match.overlap)
        for match in index.matches([picture(str(n), *box) for n, box in enumerate(ours)])
    ]


def test_boxes_that_overlap_are_one_place_with_the_share_that_is_seen():
    ((ours, theirs, distance, overlap),) = pairs(
        [(0, 0, 0.01, 0.01), (1, 1, 1.01, 1.01)], [(0.005, 0, 0.015, 0.01)]
    )
    assert (ours, theirs, overlap) == ("0", "0", pytest.approx(0.5))
    assert distance == pytest.approx(0.005 * 111_195, rel=1e-3)


def test_a_point_lies_in_a_box_and_its_share_is_unknown():
    at_its_middle = (0.002, 0.001, 0.002, 0.001)
    assert pairs([at_its_middle], [(0, 0, 0.004, 0.002)]) == [("0", "0", 0.0, None)]


def test_metres_apart_widen_the_boxes_also_in_the_north():
    theirs, ours = [(10, 60, 10.001, 60.001)], [(10.002, 60, 10.003, 60.001)]  # 56 m to the east
    assert pairs(theirs, ours, apart=50) == []
    assert len(pairs(theirs, ours, apart=60)) == 1


def test_boxes_meet_across_the_antimeridian():
    assert len(pairs([(179.99, 0, -179.99, 0.01)], [(-179.995, 0, -179.98, 0.01)])) == 1
    assert len(pairs([(179.999, 0, 179.9995, 0.01)], [(-179.9995, 0, -179.999, 0.01)], 200)) == 1


@pytest.mark.slow
def test_places_come_from_a_csv_and_from_geotiffs(tmp_path):
    folder = tmp_path / "bench"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/b.jpg", "deep/c.jpg"):
        (folder / name).write_bytes(jpeg(GREY))
    (folder / "places.csv").write_text("filepath,lon,lat\na.jpg,8.5,47.3\ndeep/b.jpg,,\n")
    (folder / "labels.csv").write_text("filepath,label\na.jpg,1\n")
    transform = Affine(10, 0, 500_000, 0, -10, 5_300_080)
    with rasterio.open(
        folder / "d.tif", "w", driver="GTiff", width=8, height=8, count=3, dtype="uint8",
        crs="EPSG:32632", transform=transform,
    ) as raster:  # fmt: skip
        raster.write(np.repeat(GREY[None, :, :, 0], 3, axis=0))
    (folder / "e.tif").write_bytes(b"II*\0 broken")
    found = {one.path: one.box for one in Benchmark("bench", folder).pictures()}
    assert list(found) == ["a.jpg", "d.tif", "deep/b.jpg", "deep/c.jpg", "e.tif"]
    assert found["a.jpg"] == Box(8.5, 47.3, 8.5, 47.3)
    assert found["deep/b.jpg"] is found["deep/c.jpg"] is found["e.tif"] is None
    assert found["d.tif"].west == pytest.approx(9.0, abs=1e-6)


@pytest.mark.parametrize("cells", ["8.5,97", "east,47", "nan,47", "8.5,"])
def test_a_place_that_is_none_is_named_by_its_line(tmp_path, cells):
    (tmp_path / "a.jpg").write_bytes(jpeg(GREY))
    (tmp_path / "places.csv").write_text(f"filepath,lon,lat\na.jpg,{cells}\n")
    with pytest.raises(InputError, match=r"places.csv: line 2: lon, lat is .* not a place"):
        list(Benchmark("bench", tmp_path).pictures())


def test_a_folder_without_images_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"contains no image; they end in \.bmp"):
        list(Benchmark("bench", tmp_path).pictures())
    with pytest.raises(InputError, match="there is no such folder of a benchmark"):
        list(Benchmark("bench", tmp_path / "none").pictures())
    (tmp_path / "a.jpg").write_bytes(jpeg(GREY))
    with pytest.raises(InputError, match=r"a\.jpg: is a file; name the folder"):
        list(Benchmark("bench", tmp_path / "a.jpg").pictures())


def test_places_of_other_images_only_are_no_silence(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(GREY))
    file = tmp_path / "places.csv"
    file.write_text("filepath,lon,lat\nb.jpg,8,47\n")
    with pytest.raises(InputError, match=r"places.csv: .* 'b.jpg', and all others name no image"):
        list(Benchmark("bench", tmp_path).pictures())
    file.write_text("filepath,lon,lat\nb.jpg,8,47\na.jpg,8,47\n")
    assert [picture.box for picture in Benchmark("bench", tmp_path).pictures()] == [(8, 47, 8, 47)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filepath,lon,lat,lat\na.jpg,8,47,47\n", "has the column 'lat' 2 times"),
        (",filepath,lon,lat\n0,a.jpg,8,47\n", "column 1 of its header has no name"),
        ("filepath;lon;lat\na.jpg;8;47\n", "has no column 'filepath'; separated at ','"),
    ],
)
def test_a_table_of_places_that_cannot_be_read_is_no_silence(tmp_path, text, message):
    (tmp_path / "a.jpg").write_bytes(jpeg(GREY))
    (tmp_path / "places.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list(Benchmark("places", tmp_path).pictures())
    (tmp_path / "places.csv").write_text("name,label,label\na,1,2\n")
    assert [picture.box for picture in Benchmark("places", tmp_path).pictures()] == [None]


def test_a_set_of_paths_knows_its_own():
    paths = Paths(f"images2/{number}.jpg" for number in range(100))
    assert "images2/42.jpg" in paths
    assert "images2/100.jpg" not in paths
    assert "x" not in Paths([])
