"""A tour of `import skyscript`, as in a notebook. First run `skyscript demo`, then this script."""

import csv
import shutil
import sys
from pathlib import Path

import skyscript

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "skyscript-demo")

# 1. Tags. Can a tag be seen from above, up to which GSD, and why?
church = skyscript.look_up("building=church")
print(church.groundable, church.max_gsd, church.reason)

# 2. Captions from tags, by the published rule.
captions = skyscript.caption(
    {"leisure": "pitch", "sport": "tennis"}, [{"highway": "residential"}, {"building": "house"}]
)
print(captions.title)
print(captions.title_multi_objects)

# 3. The tables of a run are Arrow datasets; `.to_pandas()` gives a data frame.
run = skyscript.open_run(folder)
print(run.tables)
images = run.table("images").to_table(columns=["filepath", "gsd", "status"])
print(images.group_by("status").aggregate([("gsd", "mean")]).to_pylist())

# 4. Pairs and metas, of a run or as published.
pairs = skyscript.read_pairs(folder / "SkyScript_train_unfiltered.csv")
metas = skyscript.read_metas(folder)
print(f"{len(pairs)} pairs, {len(metas)} metas")
print(metas["center_tags"][0].as_py())

# 5. Scores by a CLIP. `tiny` ships with the project and knows simulated tiles only.
clip = skyscript.load_clip("tiny")
some = pairs.slice(0, 32).to_pylist()
files = [folder / pair["filepath"] for pair in some]
right = skyscript.score(clip, files, [pair["title"] for pair in some])
wrong = skyscript.score(clip, files, [pair["title"] for pair in reversed(some)])
print(f"mean similarity: {right.mean():.3f} with the right caption, {wrong.mean():.3f} with others")

# 6. Zero-shot accuracy on a benchmark of your own, in the published layout.
classes = {"pitch": "leisure land of pitch", "parking": "amenity of parking", "house": "of house"}
mine = folder.with_name(f"{folder.name}-benchmark") / "mine"
mine.mkdir(parents=True, exist_ok=True)
(mine / "classnames.txt").write_text("".join(f"{name}\n" for name in classes))
with (mine / "mine_img_txt_pairs_test.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["filepath", "label"])
    for pair in pairs.to_pylist():
        for name, phrase in classes.items():
            if phrase in pair["title"]:
                image = shutil.copy(folder / pair["filepath"], mine)
                rows.writerow([f"mine/{Path(image).name}", name])
results = skyscript.evaluate(mine.parent, mine.parent / "results", model="tiny", sets=["mine"])
print(f"top-1 accuracy: {results['sets']['mine']['top1']:.0%}")
