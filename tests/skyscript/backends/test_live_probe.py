"""`skyscript sources probe`: what the live service tells."""

import json
from pathlib import Path

import numpy as np
import pytest

from skyscript.backends.live_probe import PLACES
from tests.conftest import skyscript
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.world import mercator_image, naip, noise

P5 = "SKYSAT/GEN-A/PUBLIC/ORTHO/MULTISPECTRAL"


@pytest.mark.slow
def test_a_probe_writes_down_what_the_service_said(tmp_path: Path) -> None:
    one = mercator_image(
        "Germany/Brandenburg/orthos/20cm", PLACES["DE"], noise(0, 800, 800), 0.2, year=2021
    )
    deep = mercator_image(f"{P5}/s01_2015", PLACES["P5"], noise(0, 400, 400) * np.uint16(20), 2.0)
    with EarthEngine({**naip(PLACES["US"], 2), P5: [deep]}, single=[one]) as earth:
        account = [
            *("--project", PROJECT, "--endpoint", earth.url),
            *("--service-account", key_file(tmp_path / "key.json", earth.url)),
        ]
        listed = skyscript("sources", *account)
        assert listed.returncode == 0, listed.stderr
        assert "Earth Engine: answers (image collection)" in listed.stdout
        done = skyscript("sources", "probe", *account, "--out", tmp_path / "found.json")
        assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["sources"]
    assert found["DE"]["type"] == "IMAGE"
    assert found["US"]["images"]["in the first page"] == 2
    assert found["US"]["tile"]["format"] == "JPEG"
    edge = found["US"]["tile at the edge"]
    assert edge["format"] == "PNG"
    assert 0 < edge["valid share"] < 1
    assert "not found" in found["CH"]["error"]
    assert found["US"]["largest page"] == {
        "asked for": 10_000,
        "images": 2,
        "more pages": False,
        "counts as compute": False,
    }
    assert "samples" not in found["US"]
    red = found["P5"]["samples"]["R"]
    assert red == sorted(red) and 500 < red[0] < red[-1] < 5000
