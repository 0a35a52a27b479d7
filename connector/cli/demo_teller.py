"""How the demo speaks: numbered steps, who asked what, what came back, how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.cli.output import console, print_json


class Teller:
    """Prints as it goes, or keeps everything for one JSON document at the end."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._console = console()
        self._steps: list[dict[str, Any]] = []
        self._started = time.perf_counter()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One numbered step, timed."""
        self._steps.append({"title": title, "lines": [], "checks": []})
        if not self._json:
            self._console.print(f"\n[bold cyan]{len(self._steps)}. {title}[/bold cyan]", highlight=False)
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self._steps[-1]["seconds"] = round(seconds, 3)
        if not self._json:
            self._console.print(f"   [dim]{seconds:.2f} s[/dim]", highlight=False)

    def line(self, who: str, text: str) -> None:
        """One fact: who did or said what."""
        self._steps[-1]["lines"].append({"who": who, "text": text})
        if not self._json:
            self._console.print(f"   [bold]{who:<12}[/bold] ", end="", highlight=False)
            self._console.print(text, highlight=False, markup=False)

    def check(self, what: str, good: bool) -> bool:
        """A claim the demo verifies; a false one makes the command fail."""
        self._steps[-1]["checks"].append({"what": what, "ok": good})
        if not self._json:
            mark = "[green]✓[/green]" if good else "[red]✗[/red]"
            self._console.print(f"   {mark} {what}", highlight=False)
        return good

    @property
    def good(self) -> bool:
        return all(check["ok"] for step in self._steps for check in step["checks"])

    def end(self) -> None:
        seconds = time.perf_counter() - self._started
        if self._json:
            print_json({"ok": self.good, "seconds": round(seconds, 2), "steps": self._steps})
            return
        word = "[green]All as expected[/green]" if self.good else "[red]Something is not as expected[/red]"
        self._console.print(f"\n{word} ({seconds:.1f} s).", highlight=False)
