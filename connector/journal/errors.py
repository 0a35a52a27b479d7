"""What the journal could not do."""

from __future__ import annotations

from connector.base.errors import ConnectorError


class JournalError(ConnectorError):
    """The journal could not do what was asked (full disk, broken file, server gone, closed, second engine).

    Nothing of the failed transaction was kept: the caller may answer AR and the sender may resend.
    """
