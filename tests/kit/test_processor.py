"""A Saxon processor outlives whoever drops it: freed by another thread, it would end the whole process."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, threading
from connector.kit.suites import new_processor

box = [new_processor()]
assert box[0].parse_xml(xml_text="<a/>") is not None
box.append(box)
del box
thread = threading.Thread(target=gc.collect)
thread.start()
thread.join()
print("alive")
"""


def test_a_processor_dropped_in_a_cycle_is_not_freed_by_the_thread_that_collects() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, b"alive\n")
