"""How well the map's outlines lie on an image's edges, and by which shift they lie best.

No model is needed: the edges of the image are compared with the outlines of buildings, fields,
water and roads in position and direction, for every shift of some metres at once.
"""
