"""Numbers of the wire as columns: signs at their width, integers exactly, floats as shortly as they can be spelled.

Belongs here: arithmetic on arrays. Does not belong here: which row holds which kind of value (columnar).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.sparkplug.datatypes import SIGNED_BITS, DataType, shortest_single

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def signed_at_width(raw: npt.NDArray[np.uint64], datatype: Ints) -> Ints:
    """Two's complement at each row's width: shifted up to 64 bits and back down with its sign."""
    shift = np.zeros(max(DataType) + 1, np.int64)
    for number, bits in SIGNED_BITS.items():
        shift[number] = 64 - bits
    by = shift[datatype]
    return (raw << by.astype(np.uint64)).view(np.int64) >> by


def exact_integers(signed: Ints, raw: npt.NDArray[np.uint64], *, is_signed: Flags, is_integer: Flags) -> pa.Array:
    """Integers as decimal128(38, 9); int64 where all fit, which casts four times as fast as through text."""
    kind = pa.decimal128(38, 9)
    is_wide = is_integer & ~is_signed & (raw > np.uint64(2**63 - 1))
    narrow = pa.array(np.where(is_signed, signed, raw.view(np.int64)), mask=~is_integer | is_wide).cast(kind)
    if not is_wide.any():
        return narrow
    return pa.compute.coalesce(narrow, pa.array(raw, mask=~is_wide).cast(kind))


def shortest_doubles(single: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The shortest decimal that is the same 32-bit number, as doubles: 1.23, not 1.2300000190734863.

    Seven digits by scaling with an exact power of ten: both steps are correctly rounded, so the quotient is the double
    that the seven digits spell. Where that is not the same 32-bit number, or the scale is not exact, or the eighth
    digit is too near the middle to trust the product, it is spelled out one by one, as the careful lane does.
    """
    wide = single.astype(np.float64)
    is_plain = np.isfinite(wide) & (wide != 0)
    if not is_plain.any():
        return wide
    magnitude = np.floor(np.log10(np.abs(np.where(is_plain, wide, 1.0)))).astype(np.int64)
    by = 6 - magnitude
    is_scalable = is_plain & (np.abs(by) <= 22)
    scale = _POWERS_OF_TEN[np.where(is_scalable, np.abs(by), 0)]
    scaled = np.where(by >= 0, wide * scale, wide / scale)
    digits = np.rint(scaled)
    with np.errstate(over="ignore"):
        short = np.where(by >= 0, digits / scale, digits * scale)
        is_same = short.astype(np.float32) == single
    is_sure = is_scalable & is_same & (np.abs(np.abs(scaled - digits) - 0.5) > 1e-3) & (np.abs(digits) < 1e7)
    found = np.where(is_sure, short, wide)
    for row in np.flatnonzero(is_plain & ~is_sure).tolist():
        found[row] = shortest_single(float(wide[row]))
    return found


_POWERS_OF_TEN = np.array([10.0**power for power in range(23)])
