"""A trace of real processes as operations that the deterministic layer can play again: what was done, in its order."""

import json
from pathlib import Path
from typing import Any

#: (operation, arguments): "procore.ACTION", "lentune.ACTION", "sitebooks.approve|retry|scan", "fault", "kill", "flush",
#: "stop", "restart_postgres", "restart_broker", "heal".
Operation = tuple[str, dict[str, Any]]


def operations(path: Path) -> list[Operation]:
    """What was done, without what was refused (nothing came of it) and without verdicts. Raises ValueError."""
    found: list[Operation] = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            line = json.loads(text)
            op, args, said = line["op"], line["args"], line.get("said", "")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        if op not in ("began", "judged") and not said.startswith("refused"):
            found.append((op, args))
    return found
