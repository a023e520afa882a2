"""Where each source may show something, before a service is asked."""

import math

import numpy as np
import pytest
import shapely

from image_sources import SOURCES
from pipeline.errors import InputError
from skyscript.backends.outlines import WORLD, outlines
from stages.outlines import OUTLINES, OutlinesConfig
from tests.skyscript.imagery.rasters import write_raster


def of(**sources):
    return outlines(OutlinesConfig.model_validate({"sources": sources}).sources)


@pytest.mark.slow
def test_a_folder_is_known_by_the_outline_and_the_gsd_of_each_file(tmp_path):
    for name, lon, gsd in (("a", 9.0, 0.5), ("b", 9.1, 2.0)):
        write_raster(
            tmp_path / f"{name}.tif",
            np.full((50, 50, 3), 9, np.uint8),
            "EPSG:32632",
            (lon, 47),
            gsd,
        )
    first, second = of(ORT={"backend": "folder", "path": tmp_path, "acquired": 2019})
    assert (first.name, first.source) == ("ORT/a.tif", "ORT")
    assert (first.finest_gsd, first.coarsest_gsd, second.finest_gsd) == (0.5, 0.5, 2.0)
    assert shapely.from_wkb(second.geometry).contains(shapely.Point(9.1, 47))
    assert not shapely.from_wkb(first.geometry).contains(shapely.Point(9.1, 47))


@pytest.mark.parametrize(
    ("alias", "source", "gsd"),
    [
        ("CH", {"backend": "earth_engine", "project": "p"}, 0.1),
        ("S2", {"backend": "stac"}, 10.0),
    ],
)
def test_a_service_is_known_by_what_the_registry_says(alias, source, gsd):
    [outline] = of(**{alias: source})
    assert (outline.source, outline.finest_gsd, outline.coarsest_gsd) == (alias, gsd, math.inf)
    assert shapely.from_wkb(outline.geometry).bounds == SOURCES[alias].coverage


def test_without_sources_it_is_the_world_at_any_gsd():
    [outline] = of()
    assert (outline.source, outline.finest_gsd) == ("", 0.0)
    assert shapely.from_wkb(outline.geometry).bounds == WORLD


def test_a_folder_that_cannot_be_used_is_named_before_any_stage_runs(tmp_path):
    block = {"ORT": {"backend": "folder", "path": tmp_path / "none", "acquired": 2019}}
    with pytest.raises(InputError, match="none"):
        OUTLINES.external(OutlinesConfig.model_validate({"sources": block}))
