"""Continual training of a CLIP on pairs, by open_clip's parts; `skyscript train` and torchrun.

Every draw (order, crop, turn, dropout) follows from the seed, the epoch and the row, or the step:
so the weights do not depend on worker processes, nor on where a run was cut off and taken up again.
"""
