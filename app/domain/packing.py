"""Arrays of numbers in one piece of bytes, each as small as its values allow, beside a layout that says how to read it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

Layout = list[list[Any]]  # name, type and length of each array, in the order of the bytes


def packed(arrays: "Mapping[str, Array]") -> tuple[Layout, bytes]:
    """One-dimensional arrays of whole numbers, 32-bit floats, or yes and no (eight to a byte)."""
    import numpy as np

    layout, parts = Layout(), list[bytes]()
    for name, array in arrays.items():
        if array.dtype == np.bool_:
            layout.append([name, "bits", len(array)])
            parts.append(np.packbits(array).tobytes())
            continue
        small = array.astype("<f4") if array.dtype.kind == "f" else _smallest(array)
        layout.append([name, small.dtype.str, len(array)])
        parts.append(small.tobytes())
    return layout, b"".join(parts)


def unpacked(layout: Sequence[Sequence[Any]], data: bytes) -> "dict[str, Array]":
    """What `packed` was given; whole numbers as 64 bits, floats as 64 bits with the values of their 32."""
    import numpy as np

    found, at = dict[str, "Array"](), 0
    for name, kind, length in layout:
        if kind == "bits":
            size = (length + 7) // 8
            bits = np.frombuffer(data, np.uint8, size, at)
            found[name] = np.unpackbits(bits, count=length).astype(np.bool_)
        else:
            small = np.frombuffer(data, np.dtype(kind), length, at)
            size = small.nbytes
            found[name] = small.astype(np.float64 if small.dtype.kind == "f" else np.int64)
        at += size
    return found


def _smallest(array: "NDArray[np.int64]") -> "Array":
    import numpy as np

    most = max(abs(int(array.min())), abs(int(array.max()))) if len(array) else 0
    width = next(size for size in (1, 2, 4, 8) if size == 8 or most < 2 ** (8 * size - 1))
    return array.astype(np.dtype(f"<i{width}"))
