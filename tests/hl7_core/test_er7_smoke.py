"""The reader on the nominal admission, before the details."""

from __future__ import annotations

from connector.hl7.er7 import parse, parse_header, segment_names

ADT = (
    b"MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|20240306111154||ADT^A01^ADT_A01|3975|D|2.5^FRA^2.11|||||FRA|UNICODE UTF-8\r"
    b"EVN||20240306111154\r"
    b"PID|1||000003^^^CHU-X&000897406&N^PI||PAT-TROIS^DOMINIQUE^^^^^L||19790328|F\r"
    b"ZFA|ACTIF|20240306111154\r"
)


def test_nominal_admission() -> None:
    message = parse(ADT)
    assert message.names() == segment_names(ADT) == ("MSH", "EVN", "PID", "ZFA")
    assert message.header == parse_header(ADT)
    pid = message.first("PID")
    assert pid is not None
    assert pid.get(3, 1, 4, 2) == "000897406"
    assert pid.get(5, 1, 2) == "DOMINIQUE"
