"""Joins the tables of a run into one record for each pair, without loading a whole table.

Every row of every file that names a pair leads back to its record by the name of its image.
"""

from stages.pairs.stage import RUN_PAIRS, RunPairsConfig, run_pairs

__all__ = ["RUN_PAIRS", "RunPairsConfig", "run_pairs"]
