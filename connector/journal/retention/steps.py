"""One step of one walk: a transaction that looks at a few rows, lets go of what it may, and says where it stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.journal.model import stamp
from connector.journal.retention.config import Rules
from connector.journal.retention.walks import Rows, Walk
from connector.journal.tx import Tx


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did. `more` when rows old enough are left after it; `freed` in bytes of content."""

    removed: int = 0
    kept: int = 0
    freed: int = 0
    more: bool = False


def advance(tx: Tx, walk: Walk, rules: Rules) -> Step:
    """Goes on from the walk's position, as far as rows are old enough."""
    limit = _limit(tx, walk, rules)
    if limit is None:
        return Step()
    position, _ = _claim(tx, walk)
    rows = walk.after(tx, position, rules.config.step_rows)
    done = _Taking(tx, walk, rules, limit)
    last = position
    for row in done.each(old_rows(rows, limit, stamp(tx.now))):
        last = row["id"]
    if last != position:
        _set(tx, walk, "position", last, done.removed)
    return Step(done.removed, done.kept, done.freed, more=last != position)


def look_again(tx: Tx, walk: Walk, rules: Rules) -> Step:
    """Looks at some of the rows kept earlier, in a circle; `more` until the circle is closed."""
    limit = _limit(tx, walk, rules)
    if limit is None:
        return Step()
    _, again = _claim(tx, walk)
    ids = [
        row["id"]
        for row in tx.execute(
            "SELECT id FROM retention_kept WHERE walk = ? AND id > ? ORDER BY id LIMIT ?",
            (walk.name, again, rules.config.step_rows),
        ).fetchall()
    ]
    if not ids:
        _set(tx, walk, "again", 0, 0)
        return Step()
    rows = walk.these(tx, ids)
    _forget(tx, walk, set(ids) - {row["id"] for row in rows})
    done = _Taking(tx, walk, rules, limit)
    last = ids[-1]
    for row in done.each([row for row in rows if row["at"] < limit]):
        last = row["id"] if done.full else last
    _set(tx, walk, "again", last, done.removed)
    return Step(done.removed, done.kept, done.freed, more=True)


def old_rows(rows: Rows, limit: str, now: str) -> list[Any]:
    """The rows up to the first young one. A row of the future (a clock that was wrong) must not stop the walk."""
    old = []
    for row in rows:
        if limit <= row["at"] <= now:
            break
        old.append(row)
    return old


class _Taking:
    """Takes rows until the step is long or heavy enough; the rest is for the next one."""

    def __init__(self, tx: Tx, walk: Walk, rules: Rules, limit: str) -> None:
        self._tx, self._walk, self._config, self._limit = tx, walk, rules.config, limit
        self._until = time.monotonic() + rules.config.step_seconds
        self.removed = self.kept = self.freed = 0
        self.full = False

    def each(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows dealt with: removed, or written down as kept."""
        tx, walk = self._tx, self._walk
        ours = [row for row in rows if walk.ours(row)]
        free = walk.free(tx, [row for row in ours if row["at"] < self._limit], self._limit)
        dealt = []
        for row in rows:
            if row["id"] in free:
                walk.remove(tx, row["id"], stamp(tx.now))
                _forget(tx, walk, {row["id"]})
                self.removed += 1
                self.freed += row["size"]
            elif walk.ours(row):
                _keep(tx, walk, row["id"])
                self.kept += 1
            dealt.append(row)
            if self.freed >= self._config.step_bytes or time.monotonic() > self._until:
                self.full = True
                break
        return dealt


def _limit(tx: Tx, walk: Walk, rules: Rules) -> str | None:
    limit = rules.config.limit(walk.part, tx.now)
    return None if limit is None else stamp(limit)


def _claim(tx: Tx, walk: Walk) -> tuple[int, int]:
    """(position, again), with the row locked: two processes take turns, each goes on where the other stopped."""
    tx.execute(
        "INSERT INTO retention (walk, position, again, removed) VALUES (?, 0, 0, 0) ON CONFLICT (walk) DO NOTHING",
        (walk.name,),
    )
    row = tx.execute(
        "UPDATE retention SET removed = removed WHERE walk = ? RETURNING position, again", (walk.name,)
    ).fetchone()
    return row["position"], row["again"]


def _set(tx: Tx, walk: Walk, column: str, value: int, removed: int) -> None:
    tx.execute(f"UPDATE retention SET {column} = ?, removed = removed + ? WHERE walk = ?", (value, removed, walk.name))


def _keep(tx: Tx, walk: Walk, row_id: int) -> None:
    tx.execute(
        "INSERT INTO retention_kept (walk, id) VALUES (?, ?) ON CONFLICT (walk, id) DO NOTHING", (walk.name, row_id)
    )


def _forget(tx: Tx, walk: Walk, ids: set[int]) -> None:
    for row_id in ids:
        tx.execute("DELETE FROM retention_kept WHERE walk = ? AND id = ?", (walk.name, row_id))
