"""Floor 1: SOAP 1.2 over mutual TLS, with MTOM/XOP streamed both ways (zeep for the contract, lxml for the content)."""
