"""The fixed URNs of XDS metadata that the rules name (dmp-interface c.1, c.7, c.9). Data only."""

from __future__ import annotations

_U = "urn:uuid:"

SET_NODE = _U + "a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
SET_AUTHOR = _U + "a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT_TYPE = _U + "aa543740-bdda-424e-8c96-df4873be8500"
SET_PATIENT_ID = _U + "6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_SOURCE_ID = _U + "554ac39e-e3fe-47fe-b233-965d2a147832"
SET_UNIQUE_ID = _U + "96fdda7c-d067-4183-912e-bf5ee74998a8"

STABLE = _U + "7edca82f-054d-47f2-a032-9b2a5b5186c1"
DOC_AUTHOR = _U + "93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS_CODE = _U + "41a5887f-8865-4c09-adf7-e362475b143a"
TYPE_CODE = _U + "f0306f51-975f-434e-a61c-c59651d33983"
CONFIDENTIALITY = _U + "f4f85eac-e6cb-4883-b524-f2705394840f"
EVENT_CODE = _U + "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
FORMAT_CODE = _U + "a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY_TYPE = _U + "f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE_SETTING = _U + "cccf5598-8b07-4b77-a05e-ae952c785ead"
DOC_PATIENT_ID = _U + "58a6f841-87b3-4a3e-92fd-a8ffeff98427"
DOC_UNIQUE_ID = _U + "2e82c1f6-a085-4c72-9da3-8640a32e42ab"
ASSOCIATION_DOCUMENTATION = _U + "abd807a3-4432-4053-87b4-fd82c643d1f3"

FOLDER_NODE = _U + "d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
FOLDER_CODES = _U + "1ba97051-7806-41a8-a48b-8fce7af683c5"
FOLDER_PATIENT_ID = _U + "f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a"
FOLDER_UNIQUE_ID = _U + "75df8f67-9973-4fbe-a900-df66cefecc5a"

LIMITED_METADATA = frozenset(
    {
        _U + "5003a9db-8d8d-49e6-bf0c-990e34ac7707",
        _U + "ab9b591b-83ab-4d03-8f5d-f93b1fb92e85",
        _U + "2c144a76-29a9-4b7c-af54-b25409fe7d03",
    }
)
"""Flags of reduced metadata on a submission set, a document entry, a folder (D-31)."""

CODED_SCHEMES: dict[str, str] = {
    CLASS_CODE: "classCode",
    TYPE_CODE: "typeCode",
    CONFIDENTIALITY: "confidentialityCode",
    EVENT_CODE: "eventCodeList",
    FORMAT_CODE: "formatCode",
    FACILITY_TYPE: "healthcareFacilityTypeCode",
    PRACTICE_SETTING: "practiceSettingCode",
    SET_CONTENT_TYPE: "contentTypeCode",
    FOLDER_CODES: "codeList",
}

IDENTIFIER_NAMES: dict[str, str] = {
    SET_PATIENT_ID: "XDSSubmissionSet.patientId",
    SET_SOURCE_ID: "XDSSubmissionSet.sourceId",
    SET_UNIQUE_ID: "XDSSubmissionSet.uniqueId",
    DOC_PATIENT_ID: "XDSDocumentEntry.patientId",
    DOC_UNIQUE_ID: "XDSDocumentEntry.uniqueId",
    FOLDER_PATIENT_ID: "XDSFolder.patientId",
    FOLDER_UNIQUE_ID: "XDSFolder.uniqueId",
}

HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
APND = "urn:ihe:iti:2007:AssociationType:APND"
XFRM = "urn:ihe:iti:2007:AssociationType:XFRM"
XFRM_RPLC = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
UPDATE_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
SUBMIT_ASSOCIATION = "urn:ihe:iti:2010:AssociationType:SubmitAssociation"
RELATIONSHIPS = frozenset({RPLC, APND, XFRM, XFRM_RPLC, SIGNS})
DEPRECATING = frozenset({RPLC, XFRM_RPLC})

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
ARCHIVED = "urn:asip:ci-sis:2010:StatusType:Archived"
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"
IHE_STATUSES = frozenset({APPROVED, DEPRECATED})
STATUSES = frozenset({APPROVED, DEPRECATED, ARCHIVED, DELETED})

SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
PARTIAL_SUCCESS = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
SEVERITY = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:"

REPOSITORY_ID = "1.2.250.1.213.4.1.1.1.2"
"""repositoryUniqueId of the DMP (dmp-interface a.9)."""

PS_OID = "1.2.250.1.71.4.2.1"
STRUCTURE_OID = "1.2.250.1.71.4.2.2"

SIGNATURE_FORMAT = ("http://www.w3.org/2000/09/xmldsig#", "URN")
SIGNATURE_CLASS = ("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN")
SIGNATURE_TYPE = ("E1762", "ASTM")
SIGNATURE_EVENT = ("1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12")
MASKED = "MASQUE_PS"
INVISIBLE_PATIENT = "INVISIBLE_PATIENT"
INVISIBLE_REPRESENTATIVES = "INVISIBLE_REPRESENTANTS_LEGAUX"
