"""The data of every run: the small set with a second project beside the first, so that things can be mixed up."""

from typing import Any

from simulators import datasets


def small_with_two_projects(number: int = 0) -> dict[str, Any]:
    """As both simulators read it; every company of a run holds the same."""
    data = datasets.load("small")
    first = data["procore"]["projects"][0]
    second = {
        **first, "number": "1002", "name": "Hill Road Depot", "prevent_overbilling": False, "allow_overbilling": True,
        "budget": [{"code": "03-300", "type": "M", "amount": "40000.00"}, {"code": "05-100", "type": "S", "amount": "70000.00"}],
    }  # fmt: skip
    data["procore"]["projects"] = [{**first, "prevent_overbilling": False, "allow_overbilling": True}, second]
    return data
