"""The control surface that every simulator answers beside its API: /_sim/... and the page at /."""

from typing import TYPE_CHECKING, Any

from simulators import datasets
from simulators.kit import page
from simulators.kit.actions import BadAction
from simulators.kit.faults import BadFault
from simulators.kit.http import BadJson, Request, Response

if TYPE_CHECKING:
    from simulators.kit.simulator import Simulator


def answer(simulator: "Simulator", request: Request) -> Response:
    """Serves one control request; whatever cannot be done is a 4xx with a sentence."""
    name = request.path.removeprefix("/_sim/").strip("/") if request.path != "/" else "page"
    handler = _HANDLERS.get((request.method, name)) or simulator.controls.get((request.method, name))
    if handler is None:
        return Response.of(404, {"error": f"no {request.method} {request.path} here"})
    try:
        return handler(simulator, request)
    except (BadJson, BadFault, datasets.UnknownDataset) as error:
        return Response.of(400, {"error": str(error)})
    except (BadAction, LookupError) as error:
        return Response.of(422, {"error": str(error)})
    except (TypeError, ValueError) as error:
        return Response.of(400, {"error": f"the request cannot be read: {error}"})


def _page(simulator: "Simulator", request: Request) -> Response:
    return Response.html(200, page.render(simulator, request.q("kind"), request.q("said")))


def _ledger(simulator: "Simulator", request: Request) -> Response:
    return Response.of(200, simulator.ledger.after(int(request.q("after") or 0)))


def _counts(simulator: "Simulator", _: Request) -> Response:
    return Response.of(200, dict(simulator.counts))


def _requests(simulator: "Simulator", request: Request) -> Response:
    after = int(request.q("after") or 0)
    return Response.of(200, [entry for entry in simulator.requests if entry["seq"] > after])


def _add_fault(simulator: "Simulator", request: Request) -> Response:
    return Response.of(201, simulator.faults.add(request.json()).public())


def _list_faults(simulator: "Simulator", _: Request) -> Response:
    return Response.of(200, [fault.public() for fault in simulator.faults.rules])


def _clear_faults(simulator: "Simulator", _: Request) -> Response:
    simulator.faults.clear()
    return Response.of(200, [])


def _seed(simulator: "Simulator", request: Request) -> Response:
    body = request.json()
    simulator.seed(body.get("dataset", "demo"), int(body.get("seed", 1)), int(body.get("objects", datasets.LARGE_DEFAULT)))
    return Response.of(200, {kind: len(items) for kind, items in simulator.state().items()})


def _state(simulator: "Simulator", _: Request) -> Response:
    return Response.of(200, {"kinds": simulator.state()})


def _story(simulator: "Simulator", _: Request) -> Response:
    story: dict[str, Any] = {part: simulator.dataset.get(part) for part in ("company", "people", "expected", "sitebooks")}
    return Response.of(200, story)


def _reset(simulator: "Simulator", _: Request) -> Response:
    simulator.reset()
    return Response.of(200, {})


def _clock(simulator: "Simulator", request: Request) -> Response:
    simulator.clock.advance(float(request.json().get("advance_seconds", 0)))
    return Response.of(200, {"now": simulator.clock.now()})


def _snapshot(simulator: "Simulator", _: Request) -> Response:
    simulator.snapshot()
    return Response.of(200, {})


def _rollback(simulator: "Simulator", _: Request) -> Response:
    simulator.rollback()
    return Response.of(200, {})


def _actions(simulator: "Simulator", _: Request) -> Response:
    return Response.of(200, simulator.actions.listed())


def _act(simulator: "Simulator", request: Request) -> Response:
    if "form" in request.headers.get("content-type", "") and not request.body.startswith(b"{"):
        return _act_by_form(simulator, request)
    body = request.json()
    return Response.of(200, {"done": simulator.act(str(body.get("action")), body.get("args") or {})})


def _act_by_form(simulator: "Simulator", request: Request) -> Response:
    fields = request.form()
    name = fields.pop("action", "")
    try:
        simulator.act(name, simulator.actions.from_form(name, fields))
        said = "done"
    except BadAction as error:
        said = f"refused: {error}"
    return Response(303, {"Location": page.link(said=f"{name}: {said}")})


def _options(simulator: "Simulator", request: Request) -> Response:
    if request.method == "POST":
        changes = request.json()
        unknown = sorted(set(changes) - set(simulator.options))
        if unknown:
            raise LookupError(f"no option {', '.join(unknown)}; known: {', '.join(sorted(simulator.options))}")
        simulator.options.update(changes)
    return Response.of(200, simulator.options)


_HANDLERS = {
    ("GET", "page"): _page,
    ("GET", "ledger"): _ledger,
    ("GET", "requests/count"): _counts,
    ("GET", "requests"): _requests,
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _list_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "seed"): _seed,
    ("GET", "state"): _state,
    ("GET", "story"): _story,
    ("POST", "reset"): _reset,
    ("POST", "clock"): _clock,
    ("POST", "snapshot"): _snapshot,
    ("POST", "rollback"): _rollback,
    ("GET", "actions"): _actions,
    ("POST", "act"): _act,
    ("GET", "options"): _options,
    ("POST", "options"): _options,
}
