"""Who else asked for a document that is still on its way: each request gets its own answer when it ends."""

from __future__ import annotations

from connector.patients.state import Sql


def answer_later(sql: Sql, message_id: int, delivery_id: int, sender: str) -> None:
    """`message_id` asked again for what `delivery_id` carries, and wants to hear how it ends."""
    sql.execute(
        "INSERT INTO answer_due (message_id, delivery_id, sender) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (message_id, delivery_id, sender),
    )


def take_answers(sql: Sql, delivery_id: int) -> list[tuple[int, str]]:
    """(message, sender) of each request waiting for this delivery, no longer waiting once taken."""
    rows = sql.execute(
        "SELECT message_id, sender FROM answer_due WHERE delivery_id = ? ORDER BY message_id", (delivery_id,)
    ).fetchall()
    sql.execute("DELETE FROM answer_due WHERE delivery_id = ?", (delivery_id,))
    return [(row["message_id"], row["sender"]) for row in rows]
