"""I7, second half: where a person's word is asked for, nothing is sent without one for exactly that version, given before."""

from tests.oracles.sights import Sight

#: Writes begun since approval was asked for in the settings; what was begun earlier needed no word.
_UNAPPROVED = """
    SELECT r.kind, r.number, r.source_id, w.version, w.step FROM write w
    JOIN sync_record r ON r.id = w.record_id JOIN connection c ON c.id = r.connection_id
    JOIN LATERAL (
        SELECT max(at) AS at FROM history h
        WHERE h.company_id = r.company_id AND h.what = 'settings.' || c.system AND h.after -> 'approval' IS NOT NULL
    ) asked ON asked.at < w.planned_at
    WHERE r.company_id = %s AND c.settings -> 'approval' ->> r.kind = 'manual' AND w.side = 'target' AND w.sends > 0
        AND NOT EXISTS (
            SELECT FROM approval a WHERE a.record_id = r.id AND a.version = w.version AND a.decision = 'approved'
                AND a.at <= w.sent_at)
    ORDER BY w.id
"""


def unapproved(sight: Sight) -> list[str]:
    """What was sent without the word of a person that the settings ask for."""
    return [
        f"I7: {row['kind']} {row['number']} ({row['source_id']}) was sent as version {row['version']} ({row['step']}), "
        "which nobody had approved"
        for row in sight.rows(_UNAPPROVED, [sight.company])
    ]
