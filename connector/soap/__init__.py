"""Floor 1: SOAP 1.2 over mutual TLS with streamed MTOM; knows no transaction."""
