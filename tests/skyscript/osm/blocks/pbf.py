"""PBF files made or repacked byte by byte, as no writer of osmium would write them."""

import zlib
from pathlib import Path

import pyarrow as pa


def number(value: int) -> bytes:
    """Encode a varint."""
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def signed(value: int) -> bytes:
    return number((value << 1) ^ (value >> 63))


def field(key: int, content: bytes | int) -> bytes:
    """Encode a field: bytes, or a number."""
    if isinstance(content, int):
        return number(key << 3) + number(content)
    return number(key << 3 | 2) + number(len(content)) + content


def packed(key: int, values: list[int], encode=number) -> bytes:
    return field(key, b"".join(map(encode, values)))


def differences(key: int, values: list[int]) -> bytes:
    steps = [after - before for before, after in zip([0, *values], values, strict=False)]
    return packed(key, steps, signed)


def zlib_blob(block: bytes) -> bytes:
    return field(2, len(block)) + field(3, zlib.compress(block))


def raw_blob(block: bytes) -> bytes:
    return field(1, block)


def zstd_blob(block: bytes) -> bytes:
    return field(2, len(block)) + field(7, pa.compress(block, codec="zstd", asbytes=True))


def lz4_blob(block: bytes) -> bytes:
    return field(2, len(block)) + field(6, pa.compress(block, codec="lz4_raw", asbytes=True))


def blob(what: bytes, content: bytes) -> bytes:
    header = field(1, what) + field(3, len(content))
    return len(header).to_bytes(4, "big") + header + content


def header(*required: bytes) -> bytes:
    names = required or (b"OsmSchema-V0.6", b"DenseNodes")
    return blob(b"OSMHeader", raw_blob(b"".join(field(4, name) for name in names)))


def write(path: Path, *blocks: bytes, pack=zlib_blob, head: bytes | None = None) -> Path:
    """Write a file of these blocks."""
    data = [blob(b"OSMData", pack(block)) for block in blocks]
    path.write_bytes(b"".join([header() if head is None else head, *data]))
    return path


def block(strings: list[bytes], *groups: bytes, **grid: int) -> bytes:
    """Encode a block; the strings begin with an empty one."""
    numbers = {"granularity": 17, "lat_offset": 19, "lon_offset": 20, "date_granularity": 18}
    table = b"".join(field(1, text) for text in [b"", *strings])
    options = b"".join(field(numbers[name], value) for name, value in grid.items())
    return field(1, table) + b"".join(field(2, group) for group in groups) + options


def dense(ids: list[int], lons: list[int], lats: list[int], tags: list[int] | None = None) -> bytes:
    """Encode a group of dense nodes; ``tags`` are the numbers of keys and values, 0 behind each."""
    body = differences(1, ids) + differences(8, lats) + differences(9, lons)
    return field(2, body + (packed(10, tags) if tags else b""))


def way(osm_id: int, refs: list[int], keys: list[int], values: list[int]) -> bytes:
    body = field(1, osm_id) + packed(2, keys) + packed(3, values)
    return field(3, body + differences(8, refs))


def relation(osm_id: int, ways: list[int], keys: list[int], values: list[int]) -> bytes:
    """Encode a relation whose members are ways without a role."""
    body = field(1, osm_id) + packed(2, keys) + packed(3, values)
    members = packed(8, [0] * len(ways)) + differences(9, ways) + packed(10, [1] * len(ways))
    return field(4, body + members)


def blocks_of(path: Path) -> list[bytes]:
    """Give the blocks of a file whose blobs are not compressed, its header first."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        fields = _fields(data[at + 4 : at + 4 + size])
        at += 4 + size
        found.append(_fields(data[at : at + fields[3]])[1])
        at += fields[3]
    return found


def _fields(message: bytes) -> dict[int, bytes | int]:
    at, found = 0, {}
    while at < len(message):
        key, at = _number(message, at)
        value, at = _number(message, at)
        if key & 7 == 2:
            value, at = message[at : at + value], at + value
        found[key >> 3] = value
    return found


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 128:
            return value, at
