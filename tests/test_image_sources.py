"""The registry of sources."""

from dataclasses import replace

from image_sources import KINDS, SIMULATED, SOURCES, StacRoute, source2name


def test_the_ten_published_aliases_keep_their_name_in_the_module_that_scripts_import() -> None:
    assert source2name == {
        "CH": "Switzerland/SWISSIMAGE/orthos/10cm",
        "ES": "Spain/PNOA/PNOA10",
        "DE": "Germany/Brandenburg/orthos/20cm",
        "FI": "Finland/SMK/V/50cm",
        "US": "USDA/NAIP/DOQQ",
        "P3": "SKYSAT/GEN-A/PUBLIC/ORTHO/RGB",
        "P5": "SKYSAT/GEN-A/PUBLIC/ORTHO/MULTISPECTRAL",
        "S2": "COPERNICUS/S2_SR_HARMONIZED",
        "L8": "LANDSAT/LC08/C02/T1_TOA",
        "L9": "LANDSAT/LC09/C02/T1_TOA",
    }


def test_only_three_are_called_satellite_as_in_the_published_captions() -> None:
    assert {alias for alias, source in SOURCES.items() if source.kind == "satellite"} == {
        "S2",
        "L8",
        "L9",
    }


def test_rendered_tiles_have_an_alias_of_their_own_and_say_so() -> None:
    assert SIMULATED not in source2name
    assert SOURCES[SIMULATED].kind == "rendered"
    assert "no photograph" in SOURCES[SIMULATED].attribution


def test_every_source_has_a_licence_and_a_line_that_names_it() -> None:
    for alias, source in SOURCES.items():
        assert source.alias == alias
        assert source.licence
        assert source.attribution
        west, south, east, north = source.coverage
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90


def test_more_collections_wait_for_a_config_that_names_them() -> None:
    more = {alias: source.name for alias, source in SOURCES.items() if not source.published}
    assert {alias: more[alias] for alias in ("NL", "SK", "EE", "EEL", "LV", "NEO", "SIM")} == {
        "NL": "Netherlands/Beeldmateriaal/LUCHTFOTO_RGB",
        "SK": "Slovakia/orthos/25cm",
        "EE": "Estonia/Maamet/orthos/rgb",
        "EEL": "Estonia/Maamet/orthos/rgb_low_flying",
        "LV": "Latvia/Maamet/orthos/rgb",
        "NEO": "projects/neon-prod-earthengine/assets/RGB/001",
        "SIM": "rendered from OpenStreetMap objects",
    }


def test_what_is_not_8_bit_has_a_stretch_and_satellites_a_cloud_share() -> None:
    stretched = {alias: source.stretch for alias, source in SOURCES.items() if source.stretch}
    assert stretched == {
        "P5": (200, 6000),
        "S2": (0, 3000),
        "L8": (0, 0.4),
        "L9": (0, 0.4),
    }
    for source in SOURCES.values():
        assert (source.cloud_property is not None) == (source.kind == "satellite")
        assert (source.layout == "archive") == (source.kind == "satellite")
        first, last = source.years
        assert first > 1980 and (last is None or first <= last)


def test_public_archives_are_of_four_kinds_and_need_no_account() -> None:
    routes = {alias: source.stac for alias, source in SOURCES.items() if source.stac}
    kinds = {
        alias: [kind for kind in KINDS if getattr(route, kind) is not None]
        for alias, route in routes.items()
    }
    assert {alias for alias, kind in kinds.items() if kind == ["api"]} == {
        *("CH", "US", "S2", "L8", "L9"),
        *("KY", "OAM", "MAX"),
    }
    assert {alias: kinds[alias] for alias in kinds if kinds[alias] != ["api"]} == {
        "SEV": ["items"],
        "NZ": ["catalogue"],
        **{alias: ["bucket"] for alias in ("IN", "VT", "NJ", "CO")},
    }
    satellites = {routes[alias].platform for alias in ("L8", "L9")}
    assert satellites == {"landsat-8", "landsat-9"}
    without = {alias for alias, source in SOURCES.items() if source.layout == "none"}
    assert without == set(routes) - {"CH", "US", "S2", "L8", "L9"} | {SIMULATED}


def test_a_source_is_open_unless_its_licence_forbids_commercial_use() -> None:
    classes = {alias: source.licence_class for alias, source in SOURCES.items()}
    assert {alias for alias, of_source in classes.items() if of_source != "open"} == {"MAX"}
    for source in SOURCES.values():
        assert ("NC" in source.licence) == (source.licence_class == "non_commercial")


def test_a_route_says_only_what_decided_the_pixels_of_runs_before_there_were_catalogues() -> None:
    route = StacRoute(api="https://example.org", collection="c", assets=("a",))
    assert repr(route) == (
        "StacRoute(api='https://example.org', collection='c', assets=('a',), stretch=None, "
        "gsd=None, platform=None, sign=None)"
    )
    assert repr(replace(route, catalogue="x", years=(1, 2))) == repr(route)
