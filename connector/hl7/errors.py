"""The one error of the ER7 reader: it already knows what the acknowledgement will say."""

from __future__ import annotations

from typing import Any

from connector.base.errors import CodecError


class Er7Error(CodecError):
    """Bytes that are not an ER7 message we can read, or that pass a limit.

    err_code   ERR-3 code of table messageErrorCondition ("100", "101"…, hl7v2-interface §5)
    location   ERR-2 text `segment^occurrence^field^repetition^component^sub-component`, "" when outside any field
    """

    def __init__(self, message: str, *, err_code: str, location: str = "", **context: Any) -> None:
        super().__init__(message, **context)
        self.err_code = err_code
        self.location = location
