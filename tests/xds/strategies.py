"""Metadata values of every shape the codec must carry unchanged."""

from __future__ import annotations

from hypothesis import strategies as st

from connector.xds.model import Association, Author, Code, DocumentEntry, Submission, SubmissionSet

TEXT = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp", "Zs")),
    min_size=1,
    max_size=12,
).filter(lambda text: "￾" not in text and "￿" not in text)
OPTIONAL = st.one_of(st.just(""), TEXT)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
CODES = st.builds(Code, TEXT, TEXT, OPTIONAL)
AUTHORS = st.builds(Author, OPTIONAL, TEXTS, TEXTS, TEXTS, TEXTS)
SLOTS = st.lists(
    st.tuples(TEXT.map("urn:x:".__add__), st.lists(TEXT, min_size=1, max_size=3).map(tuple)), max_size=2
).map(tuple)

ENTRIES = st.builds(
    DocumentEntry,
    entry_uuid=TEXT,
    unique_id=OPTIONAL,
    patient_id=OPTIONAL,
    mime_type=OPTIONAL,
    class_code=st.none() | CODES,
    type_code=st.none() | CODES,
    format_code=st.none() | CODES,
    facility_type=st.none() | CODES,
    practice_setting=st.none() | CODES,
    confidentiality=st.lists(CODES, max_size=3).map(tuple),
    creation_time=OPTIONAL,
    language=OPTIONAL,
    source_patient_id=OPTIONAL,
    title=OPTIONAL,
    comments=OPTIONAL,
    authors=st.lists(AUTHORS, max_size=2).map(tuple),
    legal_authenticator=OPTIONAL,
    event_codes=st.lists(CODES, max_size=2).map(tuple),
    service_start=OPTIONAL,
    service_stop=OPTIONAL,
    source_patient_info=TEXTS,
    reference_ids=TEXTS,
    hash=OPTIONAL,
    size=st.none() | st.integers(0, 10**12),
    repository_id=OPTIONAL,
    logical_id=OPTIONAL,
    version=OPTIONAL,
    status=OPTIONAL,
    uri=OPTIONAL,
    home=OPTIONAL,
    object_type=OPTIONAL,
    extra_slots=SLOTS,
)
SETS = st.builds(
    SubmissionSet,
    entry_uuid=TEXT,
    unique_id=TEXT,
    source_id=OPTIONAL,
    patient_id=OPTIONAL,
    submission_time=OPTIONAL,
    content_type=st.none() | CODES,
    authors=st.lists(AUTHORS, max_size=2).map(tuple),
    title=OPTIONAL,
    comments=OPTIONAL,
    status=OPTIONAL,
)
ASSOCIATIONS = st.builds(Association, TEXT, TEXT, TEXT, TEXT, SLOTS)
SUBMISSIONS = st.builds(
    Submission, SETS, st.lists(ENTRIES, max_size=3).map(tuple), st.lists(ASSOCIATIONS, max_size=3).map(tuple)
)
