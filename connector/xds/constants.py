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

# Folder
FOLDER_NODE = f"{_U}d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
FOLDER_CODE = f"{_U}1ba97051-7806-41a8-a48b-8fce7af683c5"
FOLDER_PATIENT_ID = f"{_U}f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a"
FOLDER_UNIQUE_ID = f"{_U}75df8f67-9973-4fbe-a900-df66cefecc5a"

REFERENCE_ID_LIST = "urn:ihe:iti:xds:2013:referenceIdList"

ASSOCIATION_OBJECT = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"
SEVERITY_ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
SEVERITY_WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"

# Stored queries (ihe-rules D.5, rows 1 to 14)
FIND_DOCUMENTS = f"{_U}14d4debf-8f97-4251-9a74-a90016b0af0d"
FIND_SUBMISSION_SETS = f"{_U}f26abbcb-ac74-4422-8a30-edb644bbc1a9"
FIND_FOLDERS = f"{_U}958f3006-baad-4929-a4de-ff1114824431"
GET_ALL = f"{_U}10b545ea-725c-446d-9b95-8aeb444eddf3"
GET_DOCUMENTS = f"{_U}5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
GET_FOLDERS = f"{_U}5737b14c-8a1a-4539-b659-e03a34a5e1e4"
GET_ASSOCIATIONS = f"{_U}a7ae438b-4bc2-4642-93e9-be891f7bb155"
GET_DOCUMENTS_AND_ASSOCIATIONS = f"{_U}bab9529a-4a10-40b3-a01f-f68a615d247a"
GET_SUBMISSION_SETS = f"{_U}51224314-5390-4169-9b91-b1980040715a"
GET_SUBMISSION_SET_AND_CONTENTS = f"{_U}e8e3cb2c-e39c-46b9-99e4-c12f57260b83"
GET_FOLDER_AND_CONTENTS = f"{_U}b909a503-523d-4517-8acf-8e5834dfc4c7"
GET_FOLDERS_FOR_DOCUMENT = f"{_U}10cae35a-c7f9-4cf5-b61e-fc3278ffb578"
GET_RELATED_DOCUMENTS = f"{_U}d90e5407-b356-4d91-a89f-873917b4b0e6"
FIND_DOCUMENTS_BY_REFERENCE_ID = f"{_U}12941a89-e02e-4be5-967c-ce4bfc8fe492"
