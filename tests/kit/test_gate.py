"""The gate without a kit, and when it refuses to start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from connector.base.errors import SettingsError
from connector.kit.config import ABSENT_ACCEPTED, GateConfig
from connector.kit.gate import check_start, open_gate
from tests.cda.letters import SOUND

CONTENT = SOUND.encode()


@pytest.mark.parametrize(
    ("kit", "said"),
    [("", "kit officiel absent"), (ABSENT_ACCEPTED, "kit officiel absent, accepté par réglage")],
)
def test_without_a_kit_our_checks_run_and_the_absence_is_said(kit: str, said: str) -> None:
    with open_gate(GateConfig(kit=kit)) as gate:
        verdict = gate.judge(CONTENT)
    assert verdict.suites[0] == "contrôles de structure"
    assert verdict.suites[1].startswith(said)
    assert (verdict.kit, verdict.blocking) == ("", False)


def test_our_errors_block_without_a_kit() -> None:
    with open_gate(GateConfig()) as gate:
        verdict = gate.judge(CONTENT.replace(b"POCD_HD000040", b"POCD_HD000041"))
    assert [finding.rule for finding in verdict.findings] == ["CDA-10"]
    assert verdict.blocking


def test_nothing_is_told_after_the_moment_of_checking() -> None:
    moments = iter([datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)])
    with open_gate(GateConfig(), lambda: next(moments)) as gate:
        assert {finding.rule for finding in gate.judge(CONTENT).findings if finding.blocking} == {"CDA-90"}
        assert not gate.judge(CONTENT).blocking


def test_a_test_identity_enters_no_production() -> None:
    with open_gate(GateConfig(environment="production")) as gate:
        refused = [finding.rule for finding in gate.judge(CONTENT).findings if finding.blocking]
    assert refused == ["CDA-52"]


@pytest.mark.parametrize(
    ("kit", "environment", "feeding", "starts"),
    [
        ("", "production", True, False),
        ("", "production", False, True),
        ("", "test", True, True),
        (ABSENT_ACCEPTED, "production", True, True),
    ],
)
def test_production_is_fed_with_the_kit_only(
    kit: str, environment: Literal["production", "test"], feeding: bool, starts: bool
) -> None:
    config = GateConfig(kit=kit)
    if starts:
        check_start(config, environment=environment, feeding=feeding)
    else:
        with pytest.raises(SettingsError, match="needs the agency's kit") as refused:
            check_start(config, environment=environment, feeding=feeding)
        assert refused.value.context["name"] == "gate.kit"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not there"):
        check_start(GateConfig(kit=str(tmp_path / "no")), environment="test", feeding=True)


@pytest.mark.parametrize("name", ["workers", "time_limit", "max_bytes"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    nothing: dict[str, Any] = {name: 0}
    with pytest.raises(SettingsError, match=f"gate.{name}"):
        GateConfig(**nothing)


def test_a_relative_folder_counts_from_the_settings_file() -> None:
    assert GateConfig(kit="kit").placed(Path("/etc/x")).folder == Path("/etc/x/kit")
    assert GateConfig(kit=ABSENT_ACCEPTED).placed(Path("/etc/x")).kit == ABSENT_ACCEPTED
