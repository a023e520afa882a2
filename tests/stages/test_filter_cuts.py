"""Which pairs each cut keeps: against the definition of each cut, applied pair by pair."""

import math

import pytest
from pydantic import ValidationError

from pipeline.errors import InputError
from skyscript import chance
from stages.filter import filter_csv
from tests.stages.test_filter import HEADER, TRAIN, all_for_training, pairs, read, write

SEED = 3
CONCEPTS = ["tree"] * 30 + ["building"] * 12 + ["dam"] * 6 + ["pier"] * 2
TITLES = ["a satellite image of {}, surface of soil", "an aerial image of {}", "{}"]
NUMBERS = [number * 37 % 50 for number in range(50)]


def table(tmp_path, more=lambda number: [], header=()):
    """50 pairs of four concepts and twelve captions; each score occurs twice."""
    rows = [
        [
            f"images2/a{number}_{'CH' if number % 3 else 'L8'}_20.jpg",
            TITLES[number % 3].format(concept),
            "",
            NUMBERS[number] // 2 / 50,
            *more(number),
        ]
        for number, concept in enumerate(CONCEPTS)
    ]
    return write(tmp_path / "in.csv", rows, [*HEADER, *header])


def kept(tmp_path, source, percent=40, cut="top", **options):
    """The numbers of the pairs kept, and the figures."""
    config = all_for_training(top=(percent,), cut=cut, seed=SEED, **options)
    done = filter_csv(source, tmp_path / "out", config)
    name = TRAIN.format(percent)
    if cut != "top":
        name = name.replace(".csv", f"_{cut}.csv")
    paths = [row["filepath"] for row in read(tmp_path / "out" / name)]
    return [int(path.split("/a")[1].split("_")[0]) for path in paths], done


def draw(number, purpose):
    return chance.uniform(SEED, f"images2/a{number}_{'CH' if number % 3 else 'L8'}_20.jpg", purpose)


def sample_one_by_one(count, temperature, caption_penalty, concept_penalty):
    """Soft Cap Sampling as it is defined: take the highest, then lower what resembles it."""
    scores = [NUMBERS[number] // 2 / 50 for number in range(50)]
    ordered = sorted(scores)
    low, middle, high = (ordered[math.ceil(50 * part) - 1] for part in (0.16, 0.5, 0.84))
    begin = [
        (scores[number] - middle) / ((high - low) / 2)
        - temperature * math.log(-math.log(draw(number, "soft_cap")))
        for number in range(50)
    ]
    taken = []
    while len(taken) < count:

        def value(number):
            captions = sum(
                (CONCEPTS[other], other % 3) == (CONCEPTS[number], number % 3) for other in taken
            )
            concepts = sum(CONCEPTS[other] == CONCEPTS[number] for other in taken)
            penalty = caption_penalty * math.log2(1 + captions)
            return begin[number] - penalty - concept_penalty * math.log2(1 + concepts)

        taken.append(max(set(range(50)) - set(taken), key=value))
    return sorted(taken)


@pytest.mark.parametrize("penalties", [(0.0, 0.0), (2.0, 0.0), (0.0, 0.5), (0.2, 0.7)])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_soft_cap_takes_what_sampling_one_by_one_takes(tmp_path, temperature, penalties):
    options = dict(zip(("caption_penalty", "concept_penalty"), penalties, strict=True))
    found, _ = kept(tmp_path, table(tmp_path), cut="soft_cap", temperature=temperature, **options)
    assert found == sample_one_by_one(20, temperature, *penalties)


def test_soft_cap_without_draws_and_penalties_is_the_published_cut(tmp_path):
    source = table(tmp_path)
    options = {"temperature": 0, "caption_penalty": 0, "concept_penalty": 0}
    soft, done = kept(tmp_path, source, cut="soft_cap", **options)
    assert soft == kept(tmp_path, source)[0]
    assert done.files[0].like_plain == 1


def test_soft_cap_keeps_more_concepts_and_a_smaller_share_of_the_largest(tmp_path):
    rows = pairs(200, lambda n: n / 100, lambda n: "building" if n > 40 else f"kind {n}, of tag")
    source = write(tmp_path / "in.csv", rows)
    top = filter_csv(source, tmp_path, all_for_training(top=(50,)))
    soft = filter_csv(
        source, tmp_path, all_for_training(top=(50,), cut="soft_cap", concept_penalty=0.3)
    )
    assert top.files[0].concepts == 1
    assert soft.files[0].concepts > 20
    assert soft.files[0].rows == top.files[0].rows == 100


@pytest.mark.parametrize("percent", [20, 40, 76])
def test_balanced_keeps_a_pair_if_its_draw_is_below_t_over_count(tmp_path, percent):
    found, done = kept(tmp_path, table(tmp_path), percent, cut="balanced")
    assert len(found) == done.files[0].rows == 50 * percent // 100
    counts = {concept: CONCEPTS.count(concept) for concept in CONCEPTS}
    needed = {n: draw(n, "balanced") * counts[CONCEPTS[n]] for n in range(50)}
    t = max(needed[number] for number in found)  # the draw of the last pair that is taken
    assert found == [number for number in range(50) if needed[number] <= t]


def test_balanced_keeps_small_concepts_whole_and_cuts_large_ones_to_about_t(tmp_path):
    sizes = {"tree": 4000, "building": 900, "dam": 60, "pier": 40}
    kinds = [kind for kind, size in sizes.items() for _ in range(size)]
    source = write(tmp_path / "in.csv", pairs(5000, lambda n: n / 5000, lambda n: kinds[n]))
    _, done = kept(tmp_path, source, 10, cut="balanced")
    numbers, _ = kept(tmp_path, source, 10, cut="balanced")
    shares = {kind: sum(kinds[n] == kind for n in numbers) for kind in sizes}
    assert done.files[0].rows == sum(shares.values()) == 500
    assert shares["dam"] == 60
    assert shares["pier"] == 40
    assert abs(shares["tree"] - 200) < 45  # three standard deviations
    assert abs(shares["building"] - 200) < 45


def test_balanced_draws_from_the_best_pairs_if_told(tmp_path):
    source = table(tmp_path)
    found, _ = kept(tmp_path, source, 40, cut="balanced", balance_from=60)
    best, _ = kept(tmp_path, source, 60)
    pool = [CONCEPTS[number] for number in best]
    needed = {n: draw(n, "balanced") * pool.count(CONCEPTS[n]) for n in best}
    assert found == sorted(sorted(needed, key=needed.get)[:20])


@pytest.mark.parametrize("cut", ["soft_cap", "balanced"])
def test_every_cut_obeys_the_caps_and_the_minimum_a_tag(tmp_path, cut):
    source = table(tmp_path)
    found, done = kept(tmp_path, source, 40, cut=cut, min_per_tag=2, max_per_caption=4)
    assert done.files[0].rows == 20
    captions = [(CONCEPTS[number], number % 3) for number in found]
    assert max(captions.count(caption) for caption in captions) <= 4
    assert all(sum(CONCEPTS[n] == kind for n in found) >= 2 for kind in set(CONCEPTS))
    found, done = kept(tmp_path, source, 40, cut=cut, within="source")
    assert done.files[0].by_source == {"CH": 13, "L8": 7}  # 40 % of 33 and of 17


@pytest.mark.parametrize("cut", ["top", "soft_cap", "balanced"])
def test_a_cut_does_not_depend_on_the_order_of_the_file(tmp_path, cut):
    first, _ = kept(tmp_path, table(tmp_path), cut=cut)
    header, *rows = (tmp_path / "in.csv").read_text().splitlines()
    (tmp_path / "in.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    assert kept(tmp_path, tmp_path / "in.csv", cut=cut)[0] == first[::-1]


def test_the_concept_is_the_column_that_the_user_names(tmp_path):
    source = table(tmp_path, lambda n: ["rare" if n % 10 == 0 else "frequent"], ["theme"])
    found, done = kept(tmp_path, source, 20, cut="balanced", concept="theme")
    assert done.before.concepts == done.files[0].concepts == 2
    needed = {n: draw(n, "balanced") * (5 if n % 10 == 0 else 45) for n in range(50)}
    assert found == sorted(sorted(needed, key=needed.get)[:10])


@pytest.mark.slow
def test_of_nearly_the_same_images_the_best_stay(tmp_path):
    looks = {0: "0", 1: "1", 2: "3", 3: "3", 4: "ff", 5: "1ffff", 6: ""}
    source = table(
        tmp_path, lambda n: [looks.get(n, f"{(n * 0x9E3779B97F4A7C15) % 2**64:x}")], ["image_hash"]
    )
    found, done = kept(tmp_path, source, 100, max_per_image=1)
    best = max(range(4), key=lambda n: NUMBERS[n])  # 0, 1, 3 and 3 differ in at most two bits
    assert found == [best, *range(4, 50)]
    assert done.files[0].rows == 47
    two, _ = kept(tmp_path, source, 100, max_per_image=2)
    assert two == [*sorted(sorted(range(4), key=lambda n: -NUMBERS[n])[:2]), *range(4, 50)]
    exact, _ = kept(tmp_path, source, 100, max_per_image=1, near=0)
    worse = min((2, 3), key=lambda n: NUMBERS[n])
    assert exact == [n for n in range(50) if n != worse]


def test_the_report_covers_concepts_sources_gsd_and_countries_before_and_after(tmp_path):
    source = table(tmp_path, lambda n: ["Kenya" if n % 2 else ""], ["country"])
    _, done = kept(tmp_path, source, 20)
    assert done.before.by_source == {"CH": 33, "L8": 17}
    assert done.before.by_gsd == {"0.1 m": 33, "30 m": 17}
    assert done.before.by_country == {"Kenya": 25, "unknown": 25}
    assert done.before.concepts == 4
    assert done.before.in_largest == 1
    after = done.files[0]
    best = sorted(range(50), key=lambda n: (-(NUMBERS[n] // 2), f"a{n}_"))[:10]
    assert after.by_country == {
        "Kenya": sum(n % 2 for n in best),
        "unknown": sum(n % 2 == 0 for n in best),
    }
    assert sum(after.by_gsd.values()) == after.rows == 10
    lines = "\n".join(done.lines())
    assert "coverage" in lines
    assert "gsd 30 m" in lines
    assert "country Kenya" in lines


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": 1}, "temperature is an option of the cut soft_cap, not of top"),
        ({"cut": "soft_cap", "balance_from": 50}, "balance_from is an option of the cut balanced"),
        ({"cut": "balanced", "balance_from": 40}, "make it at least 50, the largest percentage"),
        ({"cut": "best"}, "'top', 'soft_cap' or 'balanced'"),
    ],
)
def test_an_option_of_another_cut_is_refused(options, says):
    with pytest.raises(ValidationError, match=says):
        all_for_training(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concept": "theme"}, "has no column 'theme', which filter.concept needs"),
        ({"max_per_image": 1}, "has no column 'image_hash', which filter.max_per_image needs"),
    ],
)
def test_a_column_that_an_option_needs_is_named(tmp_path, options, says):
    with pytest.raises(InputError, match=rf"in\.csv: {says}"):
        kept(tmp_path, table(tmp_path), **options)
