"""What a long-running process does once, when everything is loaded."""

from __future__ import annotations

import gc


def settle() -> None:
    """Takes the objects made at start out of the collector's way, and lets it run less often.

    Libraries leave a great many objects that live as long as the process; walking them at each collection is felt
    in the listener's throughput.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
