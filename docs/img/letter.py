"""Makes letter.png: the sample discharge letter as its readers see it, photographed by Chromium.

.venv/bin/python docs/img/letter.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.rendering import sample_letter  # noqa: E402
from connector.render.html import to_html  # noqa: E402


def main() -> None:
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed")
    with TemporaryDirectory() as folder:
        page = Path(folder) / "letter.html"
        page.write_bytes(to_html(sample_letter()).content)
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1400")
        picture = f"--screenshot={Path(__file__).with_suffix('.png')}"
        subprocess.run([browser, *options, f"--user-data-dir={folder}/profile", picture, page.as_uri()], check=True)


if __name__ == "__main__":
    main()
