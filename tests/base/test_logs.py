"""The edge: whatever is logged, by us, by a library or by Python itself, no identity gets out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.redact import MASK, redact_event, redact_text

INS = "279035121518989"

PROGRAM = """
import asyncio, logging, sys, threading, warnings
from connector.base.logs import configure_logs, guard_process, logger

configure_logs("debug", STYLE)
guard_process()
secret = "PAT-TROIS 279035121518989"

def fail():
    raise ValueError(secret)

logging.getLogger("urllib3").warning("posting %s", secret)
logging.getLogger("zeep").error("envelope " + secret)
logging.getLogger("urllib3").debug("silent " + secret)
try:
    fail()
except ValueError:
    logging.getLogger("psycopg").exception(secret)
warnings.warn(secret)
thread = threading.Thread(target=fail)
thread.start()
thread.join()

async def main():
    task = asyncio.create_task(forget())
    await asyncio.wait([task])
    del task

async def forget():
    fail()

asyncio.run(main())
logger("test").error("ours", family="PAT-TROIS", nested={"ins": secret, "ok": secret[10:]})

class Broken:
    def __del__(self):
        fail()

Broken()
fail()
"""


@pytest.mark.parametrize("style", ["json", "console"])
def test_nothing_python_or_a_library_prints_names_anybody(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("STYLE", repr(style))], capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    for secret in ("PAT-TROIS", INS, "silent", "envelope"):
        assert secret not in printed, printed
    for sign in ("urllib3", "zeep", "psycopg", "py.warnings", "asyncio", "thread ended", "process ended", "ours"):
        assert sign in printed, printed
    assert printed.count("ValueError") >= 5, printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("text", [INS, INS[:13], f"NIR={INS}.", f"({INS})", f"{INS}^^^&1.2.250.1.213.1.4.8&ISO^NH"])
def test_a_matricule_is_masked_wherever_it_stands(text: str) -> None:
    assert INS[:13] not in redact_text(text)


@given(
    st.recursive(
        st.text() | st.binary() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_redaction_never_fails_and_masks_at_any_depth(value: object) -> None:
    told = redact_event(None, "", {"event": "x", "deep": [value, {"a": (f"x {INS} y", {"family": "NESSI"})}]})
    assert INS not in repr(told)
    assert "NESSI" not in repr(told)
    assert MASK in repr(told)
