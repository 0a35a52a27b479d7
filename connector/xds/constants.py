"""The UUIDs and names that make ebRIM speak XDS (dmp-interface c.1; identical in every IHE implementation)."""

from __future__ import annotations

_U = "urn:uuid:"

# SubmissionSet
SET_NODE = f"{_U}a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
SET_AUTHOR = f"{_U}a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT_TYPE = f"{_U}aa543740-bdda-424e-8c96-df4873be8500"
SET_PATIENT_ID = f"{_U}6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_SOURCE_ID = f"{_U}554ac39e-e3fe-47fe-b233-965d2a147832"
SET_UNIQUE_ID = f"{_U}96fdda7c-d067-4183-912e-bf5ee74998a8"

# DocumentEntry
ENTRY_AUTHOR = f"{_U}93606bcf-9494-43ec-9b4e-a7748d1a838d"
ENTRY_CLASS = f"{_U}41a5887f-8865-4c09-adf7-e362475b143a"
ENTRY_TYPE = f"{_U}f0306f51-975f-434e-a61c-c59651d33983"
ENTRY_CONFIDENTIALITY = f"{_U}f4f85eac-e6cb-4883-b524-f2705394840f"
ENTRY_EVENT = f"{_U}2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
ENTRY_FORMAT = f"{_U}a09d5840-386c-46f2-b5ad-9c3699a4309d"
ENTRY_FACILITY_TYPE = f"{_U}f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
ENTRY_PRACTICE_SETTING = f"{_U}cccf5598-8b07-4b77-a05e-ae952c785ead"
ENTRY_PATIENT_ID = f"{_U}58a6f841-87b3-4a3e-92fd-a8ffeff98427"
ENTRY_UNIQUE_ID = f"{_U}2e82c1f6-a085-4c72-9da3-8640a32e42ab"

REFERENCE_ID_LIST = "urn:ihe:iti:xds:2013:referenceIdList"

ASSOCIATION_OBJECT = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"
SEVERITY_ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
SEVERITY_WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"

# Stored queries (dmp-interface a.8, ihe-rules D.5)
FIND_DOCUMENTS = f"{_U}14d4debf-8f97-4251-9a74-a90016b0af0d"
GET_DOCUMENTS = f"{_U}5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
