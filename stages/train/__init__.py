"""Continual training of a CLIP on pairs, built from parts of open_clip: `skyscript train`.

Every random draw (order, crop, rotation, dropout) depends only on the seed and on the epoch and the
row, or on the step. So the weights do not depend on the number of worker processes, nor on the step
at which a run was interrupted.
"""
