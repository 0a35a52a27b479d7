"""An asyncio event any thread may ring."""

from __future__ import annotations

import asyncio


class Bell:
    """An asyncio event any thread may ring, at the price of one loop call however often it is rung."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()
        self._rung = False

    def ring(self) -> None:
        if self._rung:
            return
        self._rung = True
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop is closed: nobody listens any more.
            return

    async def wait(self, seconds: float) -> bool:
        """Returns when rung, or after `seconds`, and says which; what rings from now on is for the next wait."""
        if not self._event.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._event.wait()
            except TimeoutError:
                pass
        rung, self._rung = self._event.is_set(), False
        self._event.clear()
        return rung
