"""A CLIP of a few megabytes that has seen the embedded town: weights, and the code that made them.

It tells a simulated pond from a simulated road, so that demo, tests and a machine without a network
score with something that has learnt. It has never seen a photograph: do not filter real data by it.
"""
