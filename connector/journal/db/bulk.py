"""Several rows in one statement, with few statements to keep compiled."""

from __future__ import annotations

from collections.abc import Iterator


def runs(count: int) -> Iterator[tuple[int, int]]:
    """(start, size) of runs of 32, 16, 8, 4, 2 and 1 that cover `count`.

    One statement for a run: the interpreter's lock is given up once, not once a row.
    """
    start = 0
    while start < count:
        size = min(32, 1 << (count - start).bit_length() - 1)
        yield start, size
        start += size
