"""The linked Procore company and its settings: boxes, stages, route, push schedule (P-01 to P-17)."""

from simulators.lentune import shapes
from simulators.lentune.paging import listed
from simulators.lentune.posting import refresh
from simulators.lentune.problems import Refusal
from simulators.lentune.shapes import Json
from simulators.lentune.store import Row
from simulators.lentune.tenant import Answer, Call, Tenant, check_version
from simulators.lentune.webhooks import emit


def list_companies(tenant: Tenant, call: Call) -> Answer:
    return listed(tenant, call, "procore_companies")


def get_settings(tenant: Tenant, call: Call) -> Answer:
    link = tenant.company(call.params["procore_company_id"])
    return Answer(200, link["settings"], {"ETag": f'"{link["version"]}"'})


def put_settings(tenant: Tenant, call: Call) -> Answer:
    link = tenant.company(call.params["procore_company_id"])
    check_version(call, link["version"], required=True)
    save(tenant, link, call.body(shapes.SETTINGS))
    return get_settings(tenant, call)


def save(tenant: Tenant, link: Row, changes: Json) -> None:
    """Take effect at once (P-04): postings are decided anew. Raises Refusal both_po_masters_refused (P-17).

    A field that is not named keeps its value. po_master is read only and follows from the boxes.
    """
    settings = link["settings"] | {name: value for name, value in changes.items() if name != "po_master"}
    if settings["lentune_purchase_order"] and settings["procore_purchase_order"]:
        raise Refusal("both_po_masters_refused", "Both purchase order boxes are on.")
    settings["po_master"] = master(settings)
    if settings == link["settings"]:
        return
    link["settings"] = settings
    link["version"] = str(int(link["version"]) + 1)
    tenant.store.note("procore_companies", link, "updated", link["procore_company_id"])
    emit(tenant, "settings.changed", link["procore_company_id"], link["version"], settings)
    refresh(tenant)


def master(settings: Row) -> str:
    if settings["lentune_purchase_order"]:
        return "lentune"
    return "procore" if settings["procore_purchase_order"] else "neither"
