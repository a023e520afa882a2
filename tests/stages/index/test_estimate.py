"""What a large run will take."""

from skyscript.backends.earth_engine import EarthEngineSource
from skyscript.backends.stac.config import StacSource
from stages.index.estimate import estimate


def test_hours_follow_from_slots_latency_and_rate() -> None:
    said = estimate(5_200_000, EarthEngineSource(project="mine"))
    assert "5,200,000 tiles, about one request each" in said
    assert (
        "18.1 hours if the service takes 0.5 s a request at 40 at once, 72.2 hours at 2.0 s" in said
    )
    assert "150 free EECU-hours a month are 0.1 EECU-seconds a tile" in said
    small = estimate(20, EarthEngineSource(project="mine"))
    assert "150 free EECU-hours a month are 27,000 EECU-seconds a tile" in small
    for objects in (0, 1):
        assert "540,000 EECU-seconds a tile" in estimate(objects, EarthEngineSource(project="mine"))


def test_archives_of_files_have_no_compute_quota() -> None:
    assert "EECU" not in estimate(1000, StacSource())


def test_a_look_at_each_tiles_clouds_doubles_it() -> None:
    said = estimate(1_000_000, EarthEngineSource(project="mine", max_tile_cloud=5))
    assert "1,000,000 tiles, about two requests each: 6.9 hours" in said
