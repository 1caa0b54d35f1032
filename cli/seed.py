"""What a new data folder is given after the first start: somebody who may sign in, and the demo company."""

from typing import Any


def connect_simulators(ready: dict[str, Any]) -> dict[str, Any]:
    """Connect the running simulators to one company, once per data folder; returns what to add to ready.json:
    company_id, api_token, and sign_in, a link that works once."""
    return {}
