"""The test authority of the SOAP tests serves here too."""

from tests.soap.conftest import tls

__all__ = ["tls"]
