"""`torchrun --nproc_per_node 4 -m stages.train ...`: `skyscript train`, in several processes."""

import sys

from pipeline.cli import main

main(["train", *sys.argv[1:]])
