"""The clock of French readers: Paris or overseas, whatever the system knows of zones."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connector.base.errors import CodecError
from connector.base.hl7time import PARIS, clock_of, on_clock, parse_ts, which_hour


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("told", "hours"),
    [
        (["2024-01-10T10:00:00+01:00"], None),
        (["2024-07-10T10:00:00+02:00"], None),
        (["2024-07-10T10:00:00+01:00"], None),
        (["2024-01-10T10:00:00+04:00"], 4),
        (["2024-01-10T10:00:00-10:00"], -10),
        (["2024-01-10T10:00:00Z", "2024-01-09T10:00:00-04:00"], -4),
        (["2024-01-10T10:00:00Z"], None),
        ([], None),
    ],
)
def test_the_surest_time_that_is_not_in_utc_tells_the_clock(told: list[str], hours: int | None) -> None:
    expected = PARIS if hours is None else timezone(timedelta(hours=hours))
    assert clock_of(map(_at, told)) == expected


def test_only_the_repeated_hour_needs_to_say_which_it_is() -> None:
    repeated = [on_clock(_at(f"2024-10-27T{hour}:30:00Z"), PARIS) for hour in ("23", "00", "01", "02")]
    assert [which_hour(moment) for moment in repeated] == ["", "heure d'été", "heure d'hiver", ""]
    assert which_hour(on_clock(_at("2024-03-31T01:30:00Z"), PARIS)) == ""
    assert which_hour(datetime(2024, 10, 27, 2, 30, tzinfo=UTC)) == ""


@pytest.mark.parametrize("value", ["20240310103000+9900", "20240310103000-2400", "20240310103000+2360"])
def test_an_offset_that_does_not_exist_is_no_time(value: str) -> None:
    with pytest.raises(CodecError):
        parse_ts(value)


def test_paris_is_known_where_the_system_has_no_zones() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from connector.base.hl7time import *; print(parse_ts('202407010000').utcoffset())"],
        env={**os.environ, "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "2:00:00"
