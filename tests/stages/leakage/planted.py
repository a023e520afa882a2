"""Plants copies of benchmark images among others, and measures how many are found.

``python -m tests.stages.leakage.planted 1000`` prints figures as in ``docs/leakage.md``; a second
word, a glob of real images (relative to the working directory), takes the place of simulated ones.
Benchmarks repeat their own ground: pairs that were not planted are checked by `overlaps`, and count
as right if the two images of the benchmark overlap. A third word, a folder, gets their pictures.
"""

import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from stages.leakage.config import LeakageConfig
from stages.leakage.pictures import Picture
from stages.leakage.search import Looked, find_copies
from tests.stages.leakage import overlaps
from tests.stages.leakage.villages import COPIES, HARDER, jpeg, village


def plant(folder, draw, theirs, copies, others, kinds):
    """Write benchmark images, copies of some, and other images; give both sides and the truth."""
    for name in ("theirs", "ours"):
        (folder / name).mkdir()
    wanted = [folder / "theirs" / f"{number}.jpg" for number in range(theirs)]
    for number, path in enumerate(wanted):
        path.write_bytes(jpeg(draw(number), 90))
    truth = {}
    for kind, change in kinds.items():
        rng = np.random.default_rng(zlib.crc32(kind.encode()))
        for number in rng.choice(theirs, min(copies, theirs), replace=False):
            path = folder / "ours" / f"{len(truth)}.jpg"
            path.write_bytes(change(np.array(Image.open(wanted[number])), rng))
            truth[path.name] = (wanted[number].name, kind)
    for number in range(others):
        (folder / "ours" / f"other-{number}.jpg").write_bytes(jpeg(draw(theirs + number), 90))
    ours = sorted((folder / "ours").iterdir())
    return (
        [Picture("benchmark", path.name, path, None) for path in wanted],
        [Picture("", path.name, path, None) for path in ours],
        truth,
    )


def measure(theirs, ours, truth, folder):
    """Give the share of copies found by kind, overall, the precision and the wrong pairs."""
    looked = Looked([], lambda: None)
    found = list(find_copies(theirs, lambda: iter(ours), LeakageConfig(), folder, looked))
    right = {match.ours for match in found if truth.get(match.ours, ("",))[0] == match.theirs}
    wrong = [match for match in found if truth.get(match.ours, ("",))[0] != match.theirs]
    wanted = Counter(kind for _, kind in truth.values())
    got = Counter(truth[name][1] for name in right)
    recall = {kind: got[kind] / count for kind, count in wanted.items()}
    return recall, len(right) / len(truth), (len(found) - len(wrong)) / max(1, len(found)), wrong


def _real(pattern):
    files = sorted(Path().glob(pattern))
    np.random.default_rng(0).shuffle(files)
    return lambda number: np.array(Image.open(files[number]).convert("RGB"))


def look_at(wrong, truth, folder, pictures):
    """Check each pair that was not planted by other means; draw it. Give the pairs and verdicts.

    The two images of a benchmark are compared: that of which ours is a copy, and theirs.
    """
    known = {}
    for match in wrong:
        source = folder / "ours" / match.ours
        if match.ours in truth:
            source = folder / "theirs" / truth[match.ours][0]
        sides = (source, folder / "theirs" / match.theirs)
        if sides not in known:
            images = [np.array(Image.open(one).convert("RGB")) for one in sides]
            known[sides] = overlaps.check(*images)
            if pictures:
                _draw(images, known[sides], pictures / f"{source.stem}-{sides[1].stem}.png")
        yield match, known[sides]


def _draw(images, verdict, path):
    laid = np.zeros((1, 1), np.uint8) if verdict.laid is None else verdict.laid
    sheet = Image.new("RGB", (960, 320))
    for at, one in enumerate((*images, laid)):
        sheet.paste(Image.fromarray(one).resize((320, 320)), (320 * at, 0))
    sheet.save(path.with_name(f"{'same' if verdict.same else 'other'}-{path.name}"))


def _main(count, pattern=None, pictures=None):
    draw = _real(pattern) if pattern else village
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = plant(folder, draw, count, count // 10, count // 50, {**COPIES, **HARDER})
        start = time.process_time()
        recall, overall, precision, wrong = measure(*sides, folder)
        spent = time.process_time() - start
        for kind, share in recall.items():
            print(f"{share:8.3f}  {kind}")
        promised = np.mean([recall[kind] for kind in COPIES])
        print(f"recall {promised:.4f} (with the harder kinds {overall:.4f})")
        print(f"precision {precision:.4f}, counting the {len(wrong)} pairs that were not planted")
        print(f"{spent:.0f} s CPU for {count:,} and {len(sides[1]):,} images", flush=True)
        false = 0
        for match, verdict in look_at(wrong, sides[2], folder, pictures and Path(pictures)):
            false += not verdict.same
            print("  not planted:", match, verdict._replace(laid=None))
    found = overall * len(sides[2]) + len(wrong)
    print(
        f"{len(wrong) - false} of the {len(wrong)} pairs show the same ground by another method: "
        f"precision {1 - false / max(found, 1):.4f}"
    )


if __name__ == "__main__":
    _main(int(sys.argv[1]), *sys.argv[2:4])
