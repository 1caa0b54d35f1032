"""What people do in Procore: projects, budgets, sub jobs, vendors and codes, by the references they know."""

from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadAction
from simulators.procore import budget, company_api, cost_codes, projects, standard_codes, tools, vendors
from simulators.procore.errors import Refused
from simulators.procore.routes import ACTIONS
from simulators.procore.store import Company, Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore


def own(simulator: "Procore", company: Any = None) -> Company:
    """The company a person works in: the one named, or the first. Becomes the simulator's current one."""
    number = int(company) if company not in (None, "") else next(iter(simulator.data.companies))
    if number not in simulator.data.companies:
        raise BadAction(f"no company {number}")
    simulator.company = simulator.data.companies[number]
    return simulator.company


def project(company: Company, number: str) -> Row:
    """By its number. Raises BadAction."""
    row = company.find("projects", company.keys.get(("project", str(number))))
    if row is None:
        raise BadAction(f"no project {number}")
    return row


def contract(company: Company, number: str, in_project: str | None = None) -> Row:
    """By its number; the project is needed only where two have the same. Raises BadAction."""
    rows = [row for row in company.rows("contracts") if row["number"] == str(number)]
    if in_project:
        rows = [row for row in rows if row["_project_id"] == project(company, in_project)["id"]]
    if len(rows) != 1:
        raise BadAction(f"{len(rows)} contracts {number}")
    return rows[0]


def choice(company: Company, table: str, name: str) -> Row:
    """A stage or region by name. Raises BadAction."""
    row = company_api.by_name(company, table, name)
    if row is None:
        raise BadAction(f"no {name} among the {table}")
    return row


def sub_job_id(company: Company, project_id: int, code: str | None) -> int | None:
    """Raises BadAction."""
    if not code:
        return None
    found = company.keys.get(("sub_job", project_id, code))
    if found is None:
        raise BadAction(f"no sub job {code}")
    return found


def new_project(simulator: "Procore", company: Company, spec: dict[str, Any]) -> Row:
    """A project by the names of its stage and region, with the company's codes copied into it."""
    stage = company_api.by_name(company, "stages", spec.get("stage"))
    region = company_api.by_name(company, "regions", spec.get("region"))
    fields = {
        "name": spec["name"],
        "project_number": spec["number"],
        "project_stage_id": stage["id"] if stage else None,
        "project_region_id": region["id"] if region else None,
    }
    row = projects.create(simulator, company, fields)
    company.keys[("project", str(spec["number"]))] = row["id"]
    cost_codes.copy_standard(simulator, company, row["id"])
    return row


@ACTIONS.add
def set_stage(simulator: "Procore", project: str, stage: str, company: str = "") -> None:
    """Moves a project to another stage."""
    owner = own(simulator, company)
    projects.update(simulator, owner, _project(owner, project), {"project_stage_id": choice(owner, "stages", stage)["id"]})


@ACTIONS.add
def set_region(simulator: "Procore", project: str, region: str, company: str = "") -> None:
    """Gives a project another region; an empty one takes it away."""
    owner = own(simulator, company)
    number = choice(owner, "regions", region)["id"] if region else None
    projects.update(simulator, owner, _project(owner, project), {"project_region_id": number})


@ACTIONS.add
def create_region(simulator: "Procore", name: str, company: str = "") -> None:
    """Adds a region to the company's list."""
    owner = own(simulator, company)
    row = company_api.named(owner, "regions", name)
    simulator.changed("project_regions", row, "created", name, "Project Regions")


@ACTIONS.add
def rename_project(simulator: "Procore", project: str, name: str, company: str = "") -> None:
    """Renames a project."""
    owner = own(simulator, company)
    projects.update(simulator, owner, _project(owner, project), {"name": name})


@ACTIONS.add
def create_project(simulator: "Procore", number: str, name: str, stage: str, region: str = "", company: str = "") -> int:
    """Sets up a new project."""
    owner = own(simulator, company)
    if ("project", number) in owner.keys:
        raise BadAction(f"there is a project {number} already")
    choice(owner, "stages", stage)
    spec = {"number": number, "name": name, "stage": stage, "region": region}
    return int(new_project(simulator, owner, spec)["id"])


@ACTIONS.add
def deactivate_project(simulator: "Procore", project: str, company: str = "") -> None:
    """Makes a project inactive, so that it leaves the list of active ones."""
    owner = own(simulator, company)
    projects.update(simulator, owner, _project(owner, project), {"active": False})


@ACTIONS.add
def set_overbilling(
    simulator: "Procore", project: str, prevent: bool | None = None, allow: bool | None = None, company: str = ""
) -> None:
    """Sets "Prevent Overbilling on this Project" and "Allow subcontractors to over-bill"."""
    row = _project(own(simulator, company), project)
    if prevent is not None:
        row["_prevent_overbilling"] = bool(prevent)
    if allow is not None:
        row["_allow_overbilling"] = bool(allow)
    simulator.touch(row)
    simulator.changed("projects", row, "updated", row["project_number"], "Projects")


@ACTIONS.add
def set_tool(simulator: "Procore", project: str, tool: str, on: bool = True, company: str = "") -> None:
    """Switches commitments, payments_issued, erp_integrations or export_subcontractor_invoices of a project on or off."""
    if tool not in tools.SAID:
        raise BadAction(f"no tool {tool}; known: {', '.join(tools.SAID)}")
    row = _project(own(simulator, company), project)
    row["_tools_off"] = sorted({*row.get("_tools_off", ()), tool} - ({tool} if on else set()))


@ACTIONS.add
def add_budget_line(
    simulator: "Procore", project: str, code: str, type: str, amount: str, sub_job: str = "", company: str = ""
) -> None:
    """Adds a code to a project's budget."""
    owner = own(simulator, company)
    row = _project(owner, project)
    wbs_id = _budget_code(simulator, owner, row["id"], code, type, sub_job)["id"]
    _try(budget.create, simulator, owner, row["id"], {"wbs_code_id": wbs_id, "original_budget_amount": amount})


@ACTIONS.add
def change_budget_line(
    simulator: "Procore", project: str, code: str, type: str, amount: str, sub_job: str = "", company: str = ""
) -> None:
    """Changes the original amount of a budget line."""
    owner = own(simulator, company)
    line = _budget_line(simulator, owner, project, code, type, sub_job)
    _try(budget.update, simulator, owner, line, {"original_budget_amount": amount})


@ACTIONS.add
def remove_budget_line(simulator: "Procore", project: str, code: str, type: str, sub_job: str = "", company: str = "") -> None:
    """Takes a code off a project's budget."""
    owner = own(simulator, company)
    _try(budget.delete, simulator, owner, _budget_line(simulator, owner, project, code, type, sub_job))


@ACTIONS.add
def create_sub_job(simulator: "Procore", project: str, code: str, name: str, company: str = "") -> None:
    """Adds a sub job to a project."""
    owner = own(simulator, company)
    _try(cost_codes.create_sub_job, simulator, owner, _project(owner, project)["id"], {"code": code, "name": name})


@ACTIONS.add
def rename_sub_job(simulator: "Procore", project: str, code: str, name: str, company: str = "") -> None:
    """Renames a sub job."""
    owner = own(simulator, company)
    row = owner.get("sub_jobs", sub_job_id(owner, _project(owner, project)["id"], code))
    cost_codes.update_sub_job(simulator, owner, row, {"name": name})


@ACTIONS.add
def create_vendor(simulator: "Procore", name: str, company: str = "") -> None:
    """Adds a vendor to the company's directory."""
    _try(vendors.create, simulator, own(simulator, company), {"name": name})


@ACTIONS.add
def rename_vendor(simulator: "Procore", vendor: str, name: str, company: str = "") -> None:
    """Renames a vendor."""
    owner = own(simulator, company)
    row = vendors.by_name(owner, vendor)
    if row is None:
        raise BadAction(f"no vendor {vendor}")
    _try(vendors.update, simulator, owner, row, {"name": name})


@ACTIONS.add
def add_cost_code(simulator: "Procore", code: str, name: str, project: str = "", sub_job: str = "", company: str = "") -> None:
    """Adds a cost code such as 09-900 to a project, or without a project to the company's standard list."""
    owner = own(simulator, company)
    division, _, leaf = code.rpartition("-")
    fields: Row = {"code": leaf, "name": name}
    if project:
        row = _project(owner, project)
        job = sub_job_id(owner, row["id"], sub_job)
        if division:
            fields["parent_id"] = cost_codes.leaf(owner, row["id"], division, job)["id"]
        _try(cost_codes.create, simulator, owner, row["id"], fields, job)
        return
    owner_list = next(iter(owner.rows("standard_cost_code_lists")))["id"]
    if division:
        fields["parent_id"] = owner.keys.get(("standard", owner_list, division))
        if fields["parent_id"] is None:
            raise BadAction(f"no division {division}")
    _try(standard_codes.create, simulator, owner, owner_list, fields)


@ACTIONS.add
def expire_tokens(simulator: "Procore") -> None:
    """Makes every access token invalid at once."""
    simulator.data.tokens.clear()


@ACTIONS.add
def disconnect_app(simulator: "Procore", company: str = "") -> None:
    """Uninstalls the app from the company: every request is refused with 403."""
    simulator.data.installed.discard(own(simulator, company).id)


@ACTIONS.add
def connect_app(simulator: "Procore", company: str = "") -> None:
    """Installs the app in the company again."""
    simulator.data.installed.add(own(simulator, company).id)


def refused(error: Refused) -> BadAction:
    """What a person sees when the system refuses."""
    return BadAction("; ".join(f"{name} {message}" for name, texts in error.fields().items() for message in texts))


def _try(rule: Any, *arguments: Any) -> Any:
    try:
        return rule(*arguments)
    except Refused as error:
        raise refused(error) from error


# The actions' argument is called project, too.
_project = project


def _budget_code(simulator: "Procore", owner: Company, project_id: int, code: str, kind: str, sub_job: str) -> Row:
    from simulators.procore import building

    try:
        return building.budget_code(simulator, owner, project_id, {"code": code, "type": kind, "sub_job": sub_job})
    except KeyError as error:
        raise BadAction(f"no such cost type or sub job: {error}") from error
    except Refused as error:
        raise refused(error) from error


def _budget_line(simulator: "Procore", owner: Company, number: str, code: str, kind: str, sub_job: str) -> Row:
    wbs_id = _budget_code(simulator, owner, _project(owner, number)["id"], code, kind, sub_job)["id"]
    row = owner.find("budget_line_items", owner.keys.get(("budget", wbs_id)))
    if row is None:
        raise BadAction(f"{code} is not on the budget")
    return row
