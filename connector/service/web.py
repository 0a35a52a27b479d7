"""HTTP servers inside the daemon's own event loop: the operators' API, and letters."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import uvicorn

from connector.api.app import ApiConfig, Watched, build_app
from connector.base.errors import SettingsError


class HttpServer:
    """uvicorn in the running loop; port 0 switches it off. `section` names its settings, `protocol` reads HTTP."""

    def __init__(
        self,
        section: str,
        host: str,
        port: int,
        app: Any,
        *,
        tls: ssl.SSLContext | None = None,
        protocol: Any = "auto",
    ) -> None:
        self.port = port
        self._section = section
        self._task: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=protocol,
            server_header=False,
        )
        # its own way of loading certificates knows no verification that is optional
        config.load()
        config.ssl = tls
        self._server = uvicorn.Server(config)

    async def start(self) -> None:
        """Returns once it answers. Raises SettingsError when the address is taken."""
        if self.port:
            host = self._server.config.host
            try:
                # bound here: uvicorn ends the process when it cannot
                bound = socket.create_server((host, self.port))
            except OSError as error:
                raise address_taken(self._section, host, self.port, error) from error
            self._task = asyncio.create_task(self._server._serve([bound]))
            while not self._server.started and not self._task.done():
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._task is not None:
            self._server.should_exit = True
            await self._task


class ApiServer(HttpServer):
    """The operators' API."""

    def __init__(self, config: ApiConfig, watch: Watched, role: str) -> None:
        super().__init__("api", config.host, config.port, build_app(watch, role))


def address_taken(section: str, host: str, port: int, error: OSError) -> SettingsError:
    """The same words for every socket that cannot listen."""
    found = f"{host}:{port} ({error.strerror})"
    allowed = "an address of this machine and a free port"
    return SettingsError(f"{section}: cannot listen", name=f"{section}.port", found=found, allowed=allowed)
