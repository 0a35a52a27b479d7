"""What a real browser makes of a page: nothing runs, nothing is fetched, and it prints."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from connector.render.html import to_html
from tests.render.letters import shown_letter, with_narrative
from tests.render.test_hostile import HOSTILE

SEEN = "pris"


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium absent: .ci/run installs it")
    return found


class Listener:
    """A proxy that answers nothing and notes what is asked for; the browser's own errands are not ours."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096).decode("latin-1").partition("\r\n")[0])

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def run(chromium: str, folder: Path, proxy: str, page: bytes, *what: str) -> str:
    """Opens a page; what the browser prints."""
    path = folder / "page.html"
    path.write_bytes(page)
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        f"--proxy-server={proxy}",
        "--virtual-time-budget=3000",
    )
    # no service of the machine is to be asked for anything
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    ran = subprocess.run(
        [chromium, *options, *what, path.as_uri()], capture_output=True, timeout=90, check=True, env=environment
    )
    return ran.stdout.decode()


def test_the_browser_does_run_and_fetch(chromium: str, listener: Listener, tmp_path: Path) -> None:
    page = f"<title>x</title><script>document.title='{SEEN}'</script><img src='http://exemple.test/i.png'>"
    assert f"<title>{SEEN}</title>" in run(chromium, tmp_path, listener.address, page.encode(), "--dump-dom")
    assert any("exemple.test" in asked for asked in listener.asked)


def test_nothing_of_a_hostile_document_runs_or_is_fetched(chromium: str, listener: Listener, tmp_path: Path) -> None:
    narrative = "".join(HOSTILE.values()).replace("alert(1)", f"document.title='{SEEN}'")
    page = to_html(with_narrative(f"{narrative} après"))
    shown = run(chromium, tmp_path, listener.address, page.content, "--dump-dom")
    assert "<title>Lettre de liaison du service de cardiologie</title>" in shown
    assert "après" in shown
    assert not [asked for asked in listener.asked if "exemple.test" in asked]


def test_a_letter_prints_on_a4(chromium: str, listener: Listener, tmp_path: Path) -> None:
    printed = tmp_path / "page.pdf"
    page = to_html(shown_letter()).content
    run(chromium, tmp_path, listener.address, page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    pages = PdfReader(io.BytesIO(printed.read_bytes())).pages
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    said = "".join("".join(page.extract_text().split()) for page in pages)
    assert "PAT-TROIS-USUEL" in said
    assert "CRP12mg/L<20" in said
