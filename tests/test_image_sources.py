"""The registry of sources."""

from image_sources import SIMULATED, SOURCES, source2name


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
