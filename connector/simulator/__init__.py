"""Floor 6: the other side (DMP, identity server, Pro Santé Connect), a judge and not a mirror (design rule 10).

It reads with its own readers and shares no builder with the client (an import contract holds it to that). A request
goes through these modules, in this order:

    pki         certificates made at run time, good ones and each wrong one a judge must see
    http        HTTPS, mutual TLS, keep-alive, bodies streamed to disk
    pipeline    one request: wire -> assertion -> faults -> rights -> service -> answer -> calls (the log)
    wire, mime  SOAP 1.2, WS-Addressing, MTOM read and written
    assertion   the VIHF: saml_signature (who signed what), names (Issuer against certificate), attributes, links
    faults      what goes wrong on purpose, chosen by selector
    rights      who may call what; document_rights, matrix: who may see or change which document
    services    habilitations (TD0.2, TD0.3), registry (ITI-18, ITI-57), repository (ITI-41, ITI-43), identity
                (ITI-8/9/45), psc
    registry_*  reader, scope (what a caller looks at), search, changes, update, links, store, fate of a document
    world       the file store: patients, directory, authorisations, acceptances

The rules that need no memory are those of connector.rules, applied to what the simulator read by itself.

`server.Simulator(SimConfig(folder=...))` puts it together; `control` drives it over HTTP on the loopback.
Every refusal names its check in the log (`CallLine.rule`) and never an identity.
"""
