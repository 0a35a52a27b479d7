"""What each known code means to a hospital, in French: cause, who can mend it, what to do.

DMP codes: dmp-interface a.11 and dmp-gaps §1 (the full annex A7-1 was never published: the table is open).
XDS codes: ihe-rules D.1; their class is that of connector.xds.errors. Own codes: hl7v2-interface §5.
"""

from __future__ import annotations

from typing import Literal

from connector.xds.errors import Klass

ADMINISTRATOR = "l'administrateur du connecteur"
SENDER = "le service émetteur du document"
IDENTITY = "la cellule d'identitovigilance"
PROFESSIONAL = "le professionnel de santé"
NOBODY = "personne"
EDITOR = "l'éditeur du connecteur"
DMP = "le support du DMP"

Row = tuple[str, str, str]

_LATER = "Attendre : le connecteur réessaie seul, après avoir demandé au registre si le document y est déjà."
_RESEND = "Corriger le document ou le message dans le logiciel d'origine, puis le renvoyer."
_REPLAY = "Corriger le réglage, puis rejouer l'envoi depuis la liste de travail."
_REPORT = "Transmettre le code et le texte du serveur à l'éditeur du connecteur."

DMP_ROWS: dict[str, tuple[Klass, Row]] = {
    "DMPOk": ("settled", ("L'opération a réussi.", NOBODY, "Rien à faire.")),
    "DMPFound": (
        "settled",
        ("Le DMP de ce patient existe déjà ou est déjà actif.", NOBODY, "Rien à faire : le DMP peut être alimenté."),
    ),
    "DMPClosed": (
        "operator",
        (
            "Le DMP de ce patient est fermé : il ne reçoit plus de document.",
            PROFESSIONAL,
            "Informer le patient ; ne pas renvoyer tant que le DMP n'est pas rouvert.",
        ),
    ),
    "DMPInvalidCertificate": (
        "configuration",
        (
            "L'assertion VIHF est signée avec un certificat qui n'est pas un certificat de signature.",
            ADMINISTRATOR,
            "Installer le certificat ORG_SIGN de la structure (et non ORG_AUTH_CLI), puis rejouer l'envoi.",
        ),
    ),
    "DMPAccessDeniedByRightsService": (
        "operator",
        (
            "Le service des droits du DMP refuse l'accès à ce dossier.",
            PROFESSIONAL,
            "Vérifier l'autorisation du professionnel et la volonté du patient avant toute nouvelle demande.",
        ),
    ),
    "DMPPatientAccessAlreadyExists": (
        "settled",
        ("Le compte internet du patient existe déjà.", NOBODY, "Rien à faire."),
    ),
    "DMPPatientAccessOTPAlreadyExists": (
        "settled",
        ("Le mot de passe à usage unique du patient existe déjà.", NOBODY, "Rien à faire."),
    ),
    "DMPIdentityCertificationFailure": (
        "operator",
        (
            "L'identité du patient n'a pas pu être certifiée (service arrêté depuis le 30/09/2023).",
            IDENTITY,
            "Obtenir l'INS par le téléservice INSi, puis renvoyer le document.",
        ),
    ),
}

_SECURITY: tuple[Klass, Row] = (
    "configuration",
    (
        "L'en-tête de sécurité est refusé : assertion VIHF absente, périmée, mal signée ou mal formée.",
        ADMINISTRATOR,
        "Vérifier l'horloge, le certificat de signature et les réglages du VIHF, puis rejouer l'envoi.",
    ),
)
WSS_ROWS: dict[str, tuple[Klass, Row]] = dict.fromkeys(
    (
        "InvalidSecurity",
        "InvalidSecurityToken",
        "UnsupportedSecurityToken",
        "UnsupportedAlgorithm",
        "SecurityTokenUnavailable",
        "FailedAuthentication",
        "FailedCheck",
        "MessageExpired",
    ),
    _SECURITY,
)
"""Fault codes of WS-Security 1.1 §12."""

WSA_ROWS: dict[str, tuple[Klass, Row]] = {
    **dict.fromkeys(
        (
            "InvalidAddressingHeader",
            "MessageAddressingHeaderRequired",
            "ActionNotSupported",
            "MustUnderstand",
            "VersionMismatch",
        ),
        ("configuration", ("Le serveur ne lit pas l'enveloppe SOAP de la demande.", EDITOR, _REPORT)),
    ),
    "DestinationUnreachable": (
        "configuration",
        ("Aucun service du serveur ne répond à l'adresse appelée.", ADMINISTRATOR, _REPLAY),
    ),
    "EndpointUnavailable": ("retry", ("Le service du serveur est momentanément indisponible.", NOBODY, _LATER)),
}
"""Fault codes of WS-Addressing 1.0 §6.4 and SOAP 1.2 §5.4.6."""

OWN_ROWS: dict[str, tuple[Klass, Row]] = {
    code: ("operator", row)
    for code, row in {
        "900": (
            "La version du document n'est pas celle qui peut en remplacer ou en supprimer une autre.",
            SENDER,
            "Envoyer une version plus récente, avec un nouvel identifiant.",
        ),
        "901": (
            "Le demandeur n'est ni l'auteur du document ni de la même structure.",
            SENDER,
            "Faire porter la demande par l'auteur ou par sa structure, puis renvoyer.",
        ),
        "902": ("Le patient du message n'est pas connu.", IDENTITY, "Vérifier l'identité du patient, puis renvoyer."),
        "903": (
            "Le document ou le message ne porte pas d'INS.",
            SENDER,
            "Obtenir l'INS qualifiée du patient, puis émettre de nouveau le document avec elle.",
        ),
        "904": (
            "L'INS ou les traits du document ne sont pas ceux du message ou de l'identité connue.",
            IDENTITY,
            "Rechercher l'erreur d'identité ; ne rien renvoyer avant de l'avoir trouvée.",
        ),
        "905": (
            "Un trait de l'identité INS manque (nom, prénom, date et lieu de naissance, sexe).",
            IDENTITY,
            "Compléter l'identité du patient, puis renvoyer le document.",
        ),
        "906": (
            "Le connecteur a refusé le document ; le texte joint dit pourquoi.",
            SENDER,
            _RESEND,
        ),
    }.items()
}
"""Refusals of our own: table applicationErrorCondition of the volet (hl7v2-interface §5)."""

RECORD: dict[str, Literal["absent", "closed"]] = {"DMPClosed": "closed", "XDSUnknownPatientId": "absent"}
"""Codes that mean "there is no open DMP": the document waits, nothing in it is wrong."""


def _partly(what: str) -> Row:
    return (
        f"Le document est reçu, mais {what} n'a pas été traité.",
        SENDER,
        "Vérifier auprès du destinataire si ce lien lui est nécessaire ; le document n'est pas à renvoyer.",
    )


XDS_ROWS: dict[str, Row] = {
    "XDSRegistryBusy": ("Le registre du DMP est surchargé.", NOBODY, _LATER),
    "XDSRepositoryBusy": ("L'entrepôt de documents du DMP est surchargé.", NOBODY, _LATER),
    "XDSRegistryOutOfResources": ("Le registre du DMP manque de ressources.", DMP, _LATER),
    "XDSRepositoryOutOfResources": ("L'entrepôt de documents du DMP manque de ressources.", DMP, _LATER),
    "XDSRegistryNotAvailable": ("L'entrepôt ne joint pas le registre.", NOBODY, _LATER),
    "XDSUnavailableCommunity": ("Un domaine de partage distant ne répond pas.", NOBODY, _LATER),
    "XDSUnknownPatientId": (
        "Le serveur ne connaît pas ce patient : il n'a pas de DMP, ou son matricule INS n'est pas le bon.",
        IDENTITY,
        "Vérifier l'INS auprès du téléservice INSi et l'existence du DMP, puis renvoyer le document.",
    ),
    "XDSPatientIdDoesNotMatch": (
        "Le patient du document, du lot et de l'assertion VIHF n'est pas le même.",
        IDENTITY,
        "Vérifier l'INS et son OID dans le document et dans le message, puis renvoyer le document.",
    ),
    "XDSResultNotSinglePatient": (
        "La réponse concernerait plusieurs patients.",
        IDENTITY,
        "Vérifier qu'aucun document n'est rattaché à deux identités, puis refaire la demande.",
    ),
    "XDSPatientIDReconciliationError": (
        "La mise à jour mélangerait deux patients.",
        IDENTITY,
        "Vérifier l'identité portée par le document avant toute nouvelle mise à jour.",
    ),
    "XDSRegistryMetadataError": (
        "Une métadonnée du document est refusée par le registre ; le texte du serveur dit laquelle.",
        SENDER,
        _RESEND,
    ),
    "XDSRepositoryMetadataError": (
        "Une métadonnée du document est refusée par l'entrepôt ; le texte du serveur dit laquelle.",
        SENDER,
        _RESEND,
    ),
    "XDSRegistryDuplicateUniqueIdInMessage": (
        "Le même identifiant sert deux fois dans un même envoi.",
        SENDER,
        _RESEND,
    ),
    "XDSRepositoryDuplicateUniqueIdInMessage": (
        "Le même identifiant sert deux fois dans un même envoi.",
        SENDER,
        _RESEND,
    ),
    "XDSDuplicateUniqueIdInRegistry": (
        "Le lot porte un identifiant déjà enregistré : il a déjà été reçu.",
        NOBODY,
        "Rien à renvoyer ; le connecteur vérifie dans le registre que le document y est.",
    ),
    "XDSNonIdenticalHash": (
        "Un document de même identifiant, mais de contenu différent, est déjà dans le DMP.",
        SENDER,
        "Donner un nouvel identifiant à la nouvelle version et l'envoyer comme un remplacement.",
    ),
    "XDSNonIdenticalSize": (
        "Un document de même identifiant, mais de taille différente, est déjà dans le DMP.",
        SENDER,
        "Donner un nouvel identifiant à la nouvelle version et l'envoyer comme un remplacement.",
    ),
    "XDSMissingDocument": ("Un document décrit manque dans l'envoi.", EDITOR, _REPORT),
    "XDSMissingDocumentMetadata": ("Un document de l'envoi n'est pas décrit.", EDITOR, _REPORT),
    "XDSRegistryDeprecatedDocumentError": (
        "Le document à remplacer est déjà obsolète dans le DMP.",
        SENDER,
        "Rechercher la dernière version du document et remplacer celle-là.",
    ),
    "XDSReplaceFailed": (
        "Le remplacement est refusé : le document visé est absent ou ne peut pas l'être.",
        SENDER,
        "Vérifier l'identifiant du document remplacé, puis renvoyer.",
    ),
    "XDSDocumentUniqueIdError": (
        "Le document demandé est inconnu, indisponible ou interdit au demandeur.",
        PROFESSIONAL,
        "Refaire une recherche : le document a pu être retiré, masqué ou remplacé.",
    ),
    "XDSTooManyResults": (
        "La recherche donne trop de documents.",
        PROFESSIONAL,
        "Restreindre la période ou les types de documents, puis refaire la recherche.",
    ),
    "XDSMetadataUpdateError": ("La mise à jour des métadonnées est refusée.", SENDER, _RESEND),
    "XDSMetadataUpdateOperationError": ("La mise à jour demandée n'est pas reconnue.", EDITOR, _REPORT),
    "XDSMetadataVersionError": (
        "Le document a été modifié entre-temps : la version connue n'est plus la dernière.",
        SENDER,
        "Relire le document dans le DMP, puis refaire la modification.",
    ),
    "XDSMetadataAnnotationError": ("Le lien entre le lot et le document mis à jour manque.", EDITOR, _REPORT),
    "XDSMetadataIdentifierError": ("Une mise à jour ne peut pas changer l'identifiant.", EDITOR, _REPORT),
    "XDSObjectTypeError": ("L'objet à mettre à jour n'est pas un document.", EDITOR, _REPORT),
    "XDSUnreferencedObjectException": ("La suppression laisserait un objet orphelin.", EDITOR, _REPORT),
    "XDSMetadataModelException": ("La suppression casserait le modèle des métadonnées.", EDITOR, _REPORT),
    "XDSRemoveDocumentsError": ("Le document n'a pas pu être supprimé.", DMP, _REPORT),
    "UnmodifiableMetadataError": ("Cette métadonnée ne se modifie pas.", EDITOR, _REPORT),
    "LocalPolicyRestrictionError": (
        "La politique du domaine refuse cette modification.",
        ADMINISTRATOR,
        "Vérifier les droits de la structure auprès du gestionnaire du domaine.",
    ),
    "UnresolvedReferenceException": (
        "L'envoi désigne un document que le registre ne trouve pas.",
        SENDER,
        "Vérifier l'identifiant du document remplacé ou lié, puis renvoyer.",
    ),
    "ReferencesExistException": ("Un autre objet désigne encore ce document.", EDITOR, _REPORT),
    "InvalidDocumentContent": ("Le contenu du document n'est pas conforme à son format.", SENDER, _RESEND),
    "UnknownRecipient": ("Un destinataire de l'envoi est inconnu.", SENDER, _RESEND),
    "UnavailableRecipient": ("Un destinataire de l'envoi est indisponible.", SENDER, _RESEND),
    "XDSUnknownRepositoryId": (
        "L'entrepôt interrogé ne reconnaît pas son identifiant (repositoryUniqueId).",
        ADMINISTRATOR,
        _REPLAY,
    ),
    "XDSRepositoryWrongRepositoryUniqueId": (
        "L'entrepôt interrogé ne reconnaît pas son identifiant (repositoryUniqueId).",
        ADMINISTRATOR,
        _REPLAY,
    ),
    "XDSUnknownStoredQuery": ("Le registre ne connaît pas cette requête.", EDITOR, _REPORT),
    "XDSStoredQueryMissingParam": ("Un paramètre obligatoire manque dans la requête.", EDITOR, _REPORT),
    "XDSStoredQueryParamNumber": ("Un paramètre de la requête est répété ou en contredit un autre.", EDITOR, _REPORT),
    "XDSUnknownCommunity": ("Le domaine de partage désigné est inconnu.", ADMINISTRATOR, _REPLAY),
    "XDSMissingHomeCommunityId": ("L'identifiant du domaine de partage manque.", ADMINISTRATOR, _REPLAY),
    "XDSInvalidRequestException": ("La demande n'a pas la forme attendue.", EDITOR, _REPORT),
    "XDSExtraMetadataNotSaved": (
        "Le document est enregistré ; des métadonnées supplémentaires ne l'ont pas été.",
        NOBODY,
        "Rien à faire.",
    ),
    "DocumentQueued": ("Le document est reçu et sera traité plus tard.", NOBODY, "Rien à faire."),
    "PartialFolderContentNotProcessed": _partly("le classement dans un dossier"),
    "PartialAppendContentNotProcessed": _partly("le lien de complément"),
    "PartialReplaceContentNotProcessed": _partly("le remplacement"),
    "PartialTransformContentNotProcessed": _partly("le lien de transformation"),
    "PartialTransformReplaceContentNotProcessed": _partly("le remplacement par transformation"),
    "PartialRelationshipContentNotProcessed": _partly("le lien avec un autre document"),
    "XDSRegistryError": ("Erreur interne du registre, sans cause précise.", DMP, _REPORT),
    "XDSRepositoryError": ("Erreur interne de l'entrepôt, sans cause précise.", DMP, _REPORT),
    "TranscodingError": ("Le serveur n'a pas pu convertir les métadonnées.", DMP, _REPORT),
    "FHIRDocumentNotSupported": ("Le serveur ne prend pas en charge ce document FHIR.", DMP, _REPORT),
}

FAULT_ROWS: tuple[tuple[str, Klass, Row], ...] = (
    (
        "structure introuvable ou inactive",
        "configuration",
        (
            "La structure de l'assertion VIHF (Identifiant_Structure) est inconnue du DMP ou inactive.",
            ADMINISTRATOR,
            "Vérifier l'identifiant de structure et le certificat (FINESS juridique ou géographique), puis rejouer.",
        ),
    ),
    (
        "ps et structure non liés",
        "operator",
        (
            "L'annuaire ne lie pas ce professionnel à cette structure.",
            ADMINISTRATOR,
            "Faire corriger son activité dans le RPPS, ou utiliser un identifiant interne de la structure.",
        ),
    ),
    (
        "aucune spécialité dans le vihf",
        "operator",
        (
            "La spécialité du médecin ou la section du pharmacien manque dans l'assertion VIHF.",
            ADMINISTRATOR,
            "Compléter la spécialité du professionnel dans l'annuaire local, puis rejouer l'envoi.",
        ),
    ),
    (
        "not a valid signature certificate",
        "configuration",
        DMP_ROWS["DMPInvalidCertificate"][1],
    ),
    (
        "message addressing property",
        "configuration",
        ("Un en-tête d'adressage WS-Addressing manque dans la demande.", EDITOR, _REPORT),
    ),
)
"""Part of a fault text in lower case → class and explanation (texts seen live, dmp-interface a.11)."""

GENERIC: Row = (
    "Le serveur a refusé avec un code que le connecteur ne connaît pas.",
    ADMINISTRATOR,
    "Lire le code et le texte du serveur ci-contre ; ne pas renvoyer avant d'en connaître le sens.",
)
GENERIC_WARNING: Row = (
    "Le serveur a accepté la demande avec une remarque.",
    NOBODY,
    "Rien à faire ; le code et le texte du serveur sont conservés.",
)
