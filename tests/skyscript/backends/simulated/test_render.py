"""The simulated source: its scenes, and tiles that depend on nothing but their arguments."""

import hashlib
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pydantic import ValidationError
from shapely import LineString, Point, Polygon, box

from skyscript.backends.simulated import SimulatedBackend, SimulatedSource
from skyscript.backends.simulated.tables import tables_digest
from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import ImageryError
from stages import tables
from tests.conftest import REPOSITORY
from tests.skyscript.backends.simulated.simulated_world import (
    BACKEND,
    LAT,
    LON,
    SCENES,
    cut,
    distance,
    draw,
    objects,
)

HOUSE = ("a1", box(-6, -4, 6, 4), {"building": "house", "roof:shape": "gabled"})
TOWN = (
    HOUSE,
    ("a2", box(-40, -40, 40, 40), {"landuse": "residential"}),
    ("w3", LineString([(-40, 10), (40, 14)]), {"highway": "residential"}),
    ("n4", Point(8, -6), {"natural": "tree"}),
    ("a5", box(-18, -14, -9, -5), {"amenity": "parking"}),
)


class TestScenes:
    def test_there_is_one_for_each_gsd_and_season(self):
        source = SimulatedSource(gsd=(0.6, 0.1), year=2021)
        scenes = SimulatedBackend(source).scenes("SIM")
        assert [scene.scene_id for scene in scenes] == [
            f"SIM/{gsd}/{season}"
            for gsd in ("0.1", "0.6")
            for season in ("spring", "summer", "autumn", "winter")
        ]
        assert scenes[1].acquired == datetime(2021, 7, 15, 10, 30, tzinfo=UTC)
        assert {scene.time_precision for scene in scenes} == {"day"}

    def test_each_says_that_it_is_simulated(self):
        assert all(scene.backend == "simulated" for scene in SCENES.values())
        assert all(scene.name.startswith("simulated/") for scene in SCENES.values())
        assert "simulated" in SimulatedSource.model_fields["backend"].description
        assert "not photographs" in SimulatedSource.__doc__

    def test_the_footprint_is_the_world_between_85_degrees(self):
        scene = BACKEND.scenes("SIM")[0]
        assert shapely.from_wkb(scene.geometry).bounds == (-180, -85, 180, 85)
        assert tuple(scene.box) == (-180, -85, 180, 85)

    @pytest.mark.parametrize("gsd", [(), (0.0,), (-1.0,), (1000.0,)])
    def test_a_gsd_must_be_usable(self, gsd):
        with pytest.raises(ValidationError):
            SimulatedSource(gsd=gsd)

    def test_what_is_drawn_is_part_of_what_a_tile_is_known_by(self):
        known = SimulatedSource().cutting()
        assert known["tables"] == tables_digest()
        assert known["painter"] >= 2

    def test_a_scene_of_another_source_is_refused(self):
        scene = SCENES["SIM/0.2/summer"]
        other = type(scene)(**{**scene.__dict__, "name": "ortho.tif"})
        with pytest.raises(ImageryError, match="no simulated scene"):
            BACKEND.cut(other, tile_around(LON, LAT, 10, 10, 0.2), objects(HOUSE))


class TestTile:
    @pytest.mark.parametrize("size", [(1, 1), (100, 37), (213, 512)])
    def test_has_exactly_the_size_asked_for(self, size):
        image = cut(objects(*TOWN), width=size[0], height=size[1])
        assert image.rgb.shape == (size[1], size[0], 3)
        assert image.rgb.dtype == np.uint8
        assert image.valid.shape == (size[1], size[0])
        assert image.valid.all()

    def test_is_the_same_every_time(self):
        first = cut(objects(*TOWN)).rgb
        assert np.array_equal(first, cut(objects(*TOWN)).rgb)

    def test_does_not_depend_on_the_order_of_the_objects(self):
        assert np.array_equal(cut(objects(*TOWN)).rgb, cut(objects(*TOWN[::-1])).rgb)

    @pytest.mark.slow
    def test_does_not_depend_on_the_process(self):
        code = (
            "import hashlib\n"
            "from tests.skyscript.backends.simulated.simulated_world import cut, objects\n"
            "from tests.skyscript.backends.simulated.test_render import TOWN\n"
            "cut(objects(TOWN[1]), 1.0)\n"
            "print(hashlib.sha256(cut(objects(*TOWN)).rgb.tobytes()).hexdigest())"
        )
        there = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        here = hashlib.sha256(cut(objects(*TOWN)).rgb.tobytes()).hexdigest()
        assert there.stdout.strip() == here

    def test_shows_the_same_where_it_overlaps_another(self):
        step = 40
        lon = LON + step * 0.2 / (111319.49079 * np.cos(np.radians(LAT)))
        here = cut(objects(*TOWN)).rgb.astype(int)
        there = cut(objects(*TOWN), lon=lon).rgb.astype(int)
        apart = np.abs(here[2:-2, step + 2 : -2] - there[2:-2, 2 : -step - 2])
        assert apart.mean() < 1
        assert distance(here[:, step:], there[:, step:]) > 10  # not one flat colour everywhere

    def test_differs_between_seasons(self):
        seasons = [draw(*TOWN, season=name) for name in ("spring", "summer", "autumn", "winter")]
        for index, one in enumerate(seasons):
            assert all(distance(one, other) > 4 for other in seasons[:index])

    def test_south_of_the_equator_july_is_winter(self):
        wood = {"landuse": "forest", "leaf_type": "broadleaved"}
        row = ("a1", box(-50, -50, 50, 50), wood)

        def greenness(season, lat):
            table = objects(row).set_column(
                2,
                "geometry",
                pa.array([shapely.to_wkb(box(9.9, lat - 0.1, 10.1, lat + 0.1))], pa.binary()),
            )
            rgb = cut(table, season=season, lat=lat).rgb.astype(float)
            return rgb[..., 1].mean() - rgb[..., 0].mean()

        assert greenness("summer", 40) > 2 * greenness("winter", 40)
        assert greenness("winter", -40) > 2 * greenness("summer", -40)

    def test_without_objects_is_bare_ground(self):
        empty = cut(tables.OBJECTS.schema.empty_table()).rgb
        assert empty.std(axis=(0, 1)).max() < 25

    def test_has_a_shadow_away_from_the_sun(self):
        tower = ("n1", Point(0, -4), {"man_made": "chimney", "height": "12"})
        bare, image = draw(), draw(tower)
        darker = bare.mean(axis=2) - image.mean(axis=2) > 25
        rows, columns = np.nonzero(darker[:48])
        assert len(rows) > 20  # north of the chimney
        assert columns.mean() < 48  # and to the west: the sun stands in the south-east

    def test_is_cut_at_its_border_from_what_reaches_far_beyond(self):
        field = Polygon([(-1e5, -1e5), (1e5, -1e5), (1e5, 1e5), (-1e5, 1e5)])
        near = box(-300, -300, 300, 300)
        big = draw(("a1", field, {"natural": "sand"}))
        small = draw(("a1", near, {"natural": "sand"}))
        assert distance(big, small) < 1


class TestHiddenThings:
    @pytest.mark.parametrize(
        "tags",
        [
            {"highway": "primary", "tunnel": "yes"},
            {"railway": "rail", "tunnel": "yes"},
            {"waterway": "canal", "tunnel": "culvert"},
            {"man_made": "pipeline", "location": "underground"},
            {"railway": "subway", "tunnel": "yes", "layer": "-2"},
        ],
    )
    def test_lines_under_ground_are_not_drawn(self, tags):
        line = LineString([(-30, -3), (30, 5)])
        assert distance(draw(("w1", line, tags)), draw()) == 0

    @pytest.mark.parametrize(
        "tags",
        [
            {"amenity": "parking", "parking": "underground"},
            {"building": "yes", "layer": "-1"},
            {"building": "yes", "location": "underground"},
            {"building": "no"},
            {"name": "nothing to see", "addr:street": "Nowhere"},
        ],
    )
    def test_areas_under_ground_are_not_drawn(self, tags):
        assert distance(draw(("a1", box(-6, -6, 6, 6), tags)), draw()) == 0

    def test_the_hole_of_an_area_stays_as_it_is(self):
        outer, inner = box(-9, -9, 9, 9), box(-5, -5, 5, 5)
        lawn = ("a2", box(-40, -40, 40, 40), {"landuse": "grass"})
        for tags in ({"natural": "water"}, {"building": "yes", "height": "0.5"}):
            image, bare = draw(lawn, ("r1", outer - inner, tags)), draw(lawn)
            middle = slice(28, 68)
            assert distance(image[middle, middle], bare[middle, middle]) < 2
            assert distance(image[10:20, 20:76], bare[10:20, 20:76]) > 15

    def test_the_sea_lies_to_the_right_of_its_coastline(self):
        north = draw(("w1", LineString([(-99, 0), (99, 0)]), {"natural": "coastline"}))
        south = draw(("w1", LineString([(99, 0), (-99, 0)]), {"natural": "coastline"}))
        bluer = lambda part: part[..., 2].mean() > part[..., 0].mean()  # noqa: E731
        assert bluer(north[60:]) and not bluer(north[:36])
        assert bluer(south[:36]) and not bluer(south[60:])


class TestBadInput:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "abc",
            "99999",
            "-1",
            "1e400",
            "nan",
            "javascript",
            "#zzz",
            ";;",
            "\x00",
            "x" * 9999,
            "٣",
            "rgb(1,2",
        ],
    )
    def test_odd_values_draw_something(self, value):
        keys = ("width", "height", "building:levels", "lanes", "roof:colour", "roof:shape")
        keys += ("roof:material", "surface", "sport", "crop", "cables", "diameter", "colour")
        bases = (
            {"building": "yes"},
            {"highway": "residential"},
            {"power": "line"},
            {"natural": "tree"},
            {"leisure": "pitch"},
            {"landuse": "farmland"},
            {"man_made": "tower"},
        )
        shapes = (box(-5, -4, 5, 4), LineString([(-9, 0), (9, 3)]), Point(0, 0))
        rows = [
            (f"n{index}", shape, {**base, key: value})
            for index, (base, key, shape) in enumerate(
                (base, key, shape) for base in bases for key in keys for shape in shapes
            )
        ]
        assert cut(objects(*rows), width=32, height=32).rgb.shape == (32, 32, 3)

    @pytest.mark.parametrize(
        "shape",
        [
            Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]),
            Polygon([(0, 0), (0, 0), (0, 0)]),
            LineString([(0, 0), (0, 0)]),
            shapely.MultiPolygon([box(0, 0, 2, 2), box(4, 4, 9, 9)]),
            shapely.GeometryCollection([box(0, 0, 5, 5), LineString([(0, 0), (9, 9)])]),
            Polygon(),
            box(0, 0, 1e-7, 1e-7),
            box(-4e6, -4e6, 4e6, 4e6),
        ],
        ids=lambda shape: shape.geom_type,
    )
    def test_odd_shapes_draw_something_or_nothing(self, shape):
        kinds = (
            {"building": "yes"},
            {"highway": "primary"},
            {"natural": "water"},
            {"leisure": "pitch"},
        )
        rows = [(f"a{index}", shape, tags) for index, tags in enumerate(kinds)]
        assert cut(objects(*rows), width=32, height=32).rgb.shape == (32, 32, 3)

    def test_rows_without_a_usable_geometry_are_passed_over(self):
        rows = [("a1", b"no WKB", {"building": "yes"}), ("a2", None, {"building": "yes"})]
        assert distance(draw(*rows), draw()) == 0
        assert distance(draw(*rows, HOUSE), draw(HOUSE)) == 0

    def test_a_tag_that_we_use_for_ourselves_is_like_any_other(self):
        assert distance(draw(("n1", Point(0, 0), {"natural": "tree", "turn": "left"})), draw()) > 0

    @pytest.mark.parametrize("lon", [-179.9999, 179.9999])
    def test_works_beside_the_antimeridian(self, lon):
        pond = shapely.to_wkb(box(lon - 2e-5, LAT - 2e-5, lon + 2e-5, LAT + 2e-5))
        image = draw(("a1", pond, {"natural": "water"}), lon=lon)
        assert distance(image, draw(lon=lon)) > 1

    @pytest.mark.parametrize("lat", [84.9, -84.9, 0.0])
    def test_works_everywhere_on_earth(self, lat):
        assert cut(objects(HOUSE), lat=lat, season="winter").rgb.shape == (96, 96, 3)
