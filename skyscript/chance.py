"""Random draws from a hash of (seed, key of the object, purpose).

So a draw does not depend on shards, workers or the order of work, and two draws for one object are
independent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def _hash(seed: int, key: str, purpose: str) -> int:
    data = f"{seed}\x1f{key}\x1f{purpose}".encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def uniform(seed: int, key: str, purpose: str) -> float:
    """Draw a number from [0, 1)."""
    return (_hash(seed, key, purpose) >> 11) / 2**53


def uniforms(seed: int, keys: Iterable[str], purpose: str) -> np.ndarray:
    """Draw a number from [0, 1) for each key: an array of float64, equal to that of `uniform`."""
    begun = hashlib.blake2b(f"{seed}\x1f".encode(), digest_size=8)
    end = f"\x1f{purpose}".encode()
    digests = bytearray()
    for key in keys:
        digest = begun.copy()
        digest.update(key.encode() + end)
        digests += digest.digest()
    return (np.frombuffer(digests, ">u8") >> 11) / 2.0**53


def draws(seed: int, key: str) -> Callable[[str], float]:
    """Give a function that draws a number from [0, 1) for one object and many purposes.

    Each number is the one that `uniform` gives for the seed, the key and the purpose.
    """
    begun = hashlib.blake2b(f"{seed}\x1f{key}\x1f".encode(), digest_size=8)

    def draw(purpose: str) -> float:
        digest = begun.copy()
        digest.update(purpose.encode())
        return (int.from_bytes(digest.digest(), "big") >> 11) / 2**53

    return draw


def between(seed: int, key: str, purpose: str, low: float, high: float) -> float:
    """Draw a number from [low, high)."""
    return low + (high - low) * uniform(seed, key, purpose)


def generator(seed: int, key: str, purpose: str) -> np.random.Generator:
    """Give a generator for many draws; equal arguments give equal draws."""
    return np.random.default_rng(_hash(seed, key, purpose))


Hashes = npt.NDArray[np.uint64]


def hashes(seed: int, keys: Iterable[str], purpose: str) -> Hashes:
    """Hash each key, with the seed and the purpose of the draw, to a whole number of 53 bits.

    `combine` makes draws for many objects from such numbers.
    """
    return np.asarray(uniforms(seed, keys, purpose) * 2.0**53, np.float64).astype(np.uint64)


def object_hashes(seed: int, ids: pa.StringArray, purpose: str) -> Hashes:
    """Hash each id of an object, with the seed and the purpose, to a whole number of 64 bits.

    An id is the letter of its kind and its OSM number: ``a198234555``.
    """
    letter = pc.index_in(pc.utf8_slice_codeunits(ids, 0, 1), pa.array(["n", "w", "a", "r"]))
    number = pc.utf8_slice_codeunits(ids, 1).cast(pa.int64())
    start = np.repeat(hashes(seed, [""], purpose), len(ids))
    return combine(start, *(each.to_numpy().astype(np.uint64) for each in (letter, number)))


def combine(*parts: Hashes) -> Hashes:
    """Give a number of 64 bits for each row of some columns, with the mixer of SplitMix64.

    https://prng.di.unimi.it/splitmix64.c. It serves where there is a draw for each of a great many
    combinations of objects, each with its hash.
    """
    mixed = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        mixed = (mixed ^ part) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed
