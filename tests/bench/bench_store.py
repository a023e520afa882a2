"""Look-ups in the store of vectors as it grows to 5.2 million, against a search in every file.

The vectors have a small width, because a look-up costs the same for any: only found rows are read.
Run: python -m tests.bench.bench_store [FILES]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skyscript.clip.vectors.store import Store

ROWS, WIDTH = 4096, 4
STEPS = 5


def keys_of(shard: int) -> list[bytes]:
    data = np.random.default_rng(shard).bytes(16 * ROWS)
    return [data[start : start + 16] for start in range(0, len(data), 16)]


def search_every_file(store: Store, keys: list[bytes]) -> int:
    """Look keys up as before the index: by a binary search in each file."""
    both = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).astype(np.uint64)
    first, second = both[:, 0].copy(), both[:, 1].copy()
    stored = np.zeros(len(keys), bool)
    for file in store._open:
        at = np.minimum(np.searchsorted(file.first, first), len(file.first) - 1)
        hit = (file.first[at] == first) & (file.second[at] == second) & ~stored
        stored[hit] = True
    return int(stored.sum())


def seconds(work, *arguments) -> float:
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


def main(files: int) -> None:
    vectors = np.zeros((ROWS, WIDTH), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), WIDTH, np.float16)
        for number in range(files):
            store.add(keys_of(number), vectors, [0] * ROWS)
            if (number + 1) % (files // STEPS) == 0:
                added = seconds(store.get, keys_of(0)[:1])
                known, new = keys_of(number // 2), keys_of(files + number)
                ours = [seconds(store.get, keys) for keys in (known, new)]
                before = seconds(search_every_file, store, new)
                print(
                    f"{number + 1:5} files: known {ours[0] * 1e3:6.1f} ms, new {ours[1] * 1e3:6.1f}"
                    f" ms; every file {before * 1e3:7.1f} ms; new files added in {added:.2f} s"
                )
        fresh = Store(Path(folder), WIDTH, np.float16)
        print(f"a new process indexes all in {seconds(lambda: fresh.get(keys_of(0)[:1])):.2f} s")
        every = seconds(lambda: [fresh.get(keys_of(number)) for number in range(files)])
        made = seconds(lambda: [keys_of(number) for number in range(files)])
        parts = (fresh._index._slots, fresh._index._keys, fresh._index._places)
        size = sum(part.nbytes for part in parts) / 2**20
        print(f"all {files * ROWS:,} keys: {every - made:.1f} s; the index: {size:.0f} MiB")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MiB, with two indexes and the mapped files")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1270)
