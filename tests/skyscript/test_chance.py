"""Draws depend on the seed, the object and the purpose alone."""

import pyarrow as pa

from skyscript import chance


def test_many_draws_for_an_object_are_those_of_each_purpose():
    draw = chance.draws(7, "n12")
    for purpose in ("scene CH/a", "scene CH/ü", ""):
        assert draw(purpose) == chance.uniform(7, "n12", purpose)
    assert draw("scene CH/a") != chance.draws(8, "n12")("scene CH/a")


def test_draws_of_many_keys_are_those_of_each_key():
    keys = ["images2/a1_CH_19.jpg", "", "ü", "a1" * 100]
    expected = [chance.uniform(7, key, "soft cap") for key in keys]
    assert chance.uniforms(7, iter(keys), "soft cap").tolist() == expected
    assert chance.uniforms(7, [], "soft cap").shape == (0,)


def test_combined_hashes_depend_on_every_part_and_on_their_order():
    one, other = chance.hashes(0, ["a", "b", "a"], "x"), chance.hashes(0, ["b", "a", "a"], "x")
    first, second, third = chance.combine(one, other).tolist()
    assert len({first, second, third}) == 3
    assert chance.combine(one[:1], other[:1]).tolist() == [first]
    draws = chance.combine(chance.hashes(0, map(str, range(4000)), "x")) / 2.0**64
    assert abs(draws.mean() - 0.5) < 0.02


def test_hashes_of_objects_depend_on_the_seed_the_letter_and_the_number():
    ids = pa.array(["n12", "w12", "n13", "n12"])
    one, two, three, again = chance.object_hashes(0, ids, "x").tolist()
    assert len({one, two, three}) == 3
    assert one == again
    assert chance.object_hashes(1, ids, "x")[0] != one
    assert chance.object_hashes(0, ids[1:], "x").tolist() == [two, three, one]
