# SPDX-License-Identifier: Apache-2.0
"""A small GGUF v3 writer and the Q8_0 quantiser; enough for the embedded model and no more.

File layout (all integers little endian):
    "GGUF", u32 version 3, u64 tensor count, u64 metadata count,
    metadata: key string, u32 value type, value,
    tensor infos: name string, u32 dimension count, u64 ne[...], u32 tensor type, u64 data offset,
    zero bytes up to a multiple of ALIGNMENT, then the tensor data, each tensor aligned likewise.
A string is a u64 byte length and UTF-8 bytes without a terminator. ne[0] is the row length, so a
numpy matrix of shape (rows, columns) is written with ne = [columns, rows].
"""

import struct

import numpy as np

ALIGNMENT = 32  # bytes
Q8_BLOCK = 32  # values in a Q8_0 block
TYPE_F32, TYPE_Q8_0 = 0, 8  # ggml tensor types

# Metadata value types.
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
_SCALAR = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    """Bytes of one metadata value without its type; kind is a type or (ARRAY, element type)."""
    if isinstance(kind, tuple):
        element = kind[1]
        return struct.pack("<IQ", element, len(value)) + b"".join(_value(element, v) for v in value)
    if kind == STRING:
        return _string(value)
    return struct.pack(_SCALAR[kind], value)


def round_half_away(x):
    """Round to the nearest integer, halves away from zero (numpy's own rint goes to even)."""
    return np.trunc(x + np.copysign(np.float32(0.5), x))


def quantize_q8_0(matrix):
    """float32 (rows, columns) -> (blocks as bytes, the float32 matrix that the blocks stand for).

    A block is 32 neighbours of one row: an fp16 scale d = max|x| / 127 and 32 int8 of x / d. The
    division uses the float32 d, as ggml does; only the stored scale is rounded to fp16.
    """
    rows, columns = matrix.shape
    if columns % Q8_BLOCK:
        raise ValueError(f"row length {columns} is no multiple of {Q8_BLOCK}")
    x = np.ascontiguousarray(matrix, dtype=np.float32).reshape(-1, Q8_BLOCK)
    d = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d > 0)
    q = round_half_away(x * inverse).astype(np.int8)
    scale = d.astype(np.float16)
    blocks = np.zeros(len(x), dtype=np.dtype([("d", "<f2"), ("q", "i1", (Q8_BLOCK,))]))
    blocks["d"], blocks["q"] = scale[:, 0], q
    back = (scale.astype(np.float32) * q.astype(np.float32)).reshape(rows, columns)
    return blocks.tobytes(), back


def write(path, metadata, tensors):
    """Write a GGUF file.

    metadata: list of (key, kind, value); tensors: list of (name, float32 numpy array). Matrices
    are stored as Q8_0, vectors as F32.
    """
    infos, blobs, offset = [], [], 0
    for name, array in tensors:
        if array.ndim == 2:
            kind, data = TYPE_Q8_0, quantize_q8_0(array)[0]
        else:
            kind, data = TYPE_F32, array.astype("<f4").tobytes()
        ne = array.shape[::-1]
        infos.append(_string(name) + struct.pack(f"<I{len(ne)}QIQ", len(ne), *ne, kind, offset))
        blobs.append(data + bytes(-len(data) % ALIGNMENT))
        offset += len(blobs[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        code = kind[0] if isinstance(kind, tuple) else kind
        head += _string(key) + struct.pack("<I", code) + _value(kind, value)
    head += b"".join(infos)
    head += bytes(-len(head) % ALIGNMENT)
    with open(path, "wb") as f:
        f.write(head + b"".join(blobs))
