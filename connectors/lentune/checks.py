"""What must be true before something is written: for what goes to Lentune, one named check per requirement line."""

from collections.abc import Callable, Iterable

from connectors.flow import Check
from connectors.lentune.scope import standing
from objects.budget_code import BudgetCode
from objects.commitment import Commitment, CommitmentLine, Variation
from objects.cost import CostCode, CostType
from objects.known import Known
from objects.problem import Problem, on_any, on_link, on_settings, on_snapshot
from objects.project import Project
from objects.vendor import Vendor

#: Contract B.2, PurchaseOrderInput.number; and B.1, Money: thirteen digits before the point.
LONGEST_NUMBER, LARGEST_AMOUNT = 60, 10**13


def named(obj: Project | CostType | CostCode | BudgetCode | Commitment | Variation, **values: str) -> dict[str, str]:
    """Values every sentence may use."""
    return {"number": obj.number, "name": obj.name, **values}


def number_present(obj: Project | CostType | CostCode | BudgetCode, known: Known) -> Problem | None:
    return None if obj.number else Problem("number_missing", named(obj))


def name_present(obj: Project | CostType | CostCode | BudgetCode, known: Known) -> Problem | None:
    return None if obj.name else Problem("name_missing", named(obj))


def project_number_free(obj: Project, known: Known) -> Problem | None:
    """Lentune's project code is unique, and no look-alike with a prefix is made (contract A.3)."""
    others = known.others_numbered("project", obj.number, obj.source_id) if obj.number else []
    if not others or standing(known, "project", obj.source_id):
        return None
    return Problem("project_number_taken", named(obj), tuple(on_snapshot("procore", "project", o) for o in others))


def branch_matched(obj: Project, known: Known) -> Problem | None:
    """A region without a branch of equal name: the project arrives all the same, its branch is left blank."""
    if not obj.region or any(branch.active for branch in known.find("lentune", "branch", name=obj.region)):
        return None
    return Problem("branch_unmatched", named(obj, region=obj.region), (on_any("lentune", "branch"),))


def project_there(obj: BudgetCode | Commitment | Variation, known: Known) -> Problem | None:
    if standing(known, "project", obj.project_id):
        return None
    found = known.snapshot("procore", "project", obj.project_id)
    values = named(obj, project=found.number if found else obj.project_id)
    return Problem("project_not_synced", values, (on_link("project", obj.project_id),))


def cost_type_there(obj: BudgetCode, known: Known) -> Problem | None:
    if not obj.cost_type_id or standing(known, "cost_type", obj.cost_type_id):
        return None
    return Problem("cost_type_not_synced", named(obj, type=obj.cost_type), (on_link("cost_type", obj.cost_type_id),))


def cost_type_given(obj: BudgetCode, known: Known) -> Problem | None:
    """F9: a code without a cost type arrives, but no invoice that uses it can be posted (L-10)."""
    return None if obj.cost_type_id else Problem("budget_code_without_cost_type", named(obj))


def one_po_master(obj: Commitment, known: Known) -> Problem | None:
    """P-17: with both boxes on nothing is sent. The database and the settings refuse it, so it is a fault."""
    if known.settings.po_master != "refused":
        return None
    return Problem("both_po_masters_refused", named(obj), (on_settings(),))


def number_given(obj: Commitment, known: Known) -> Problem | None:
    if not obj.number:
        return Problem("commitment_number_missing", named(obj))
    if len(obj.number) > LONGEST_NUMBER:
        return Problem("commitment_number_too_long", named(obj, limit=str(LONGEST_NUMBER)))
    return None


def number_unique(obj: Commitment, known: Known) -> Problem | None:
    """Unique in the tenant, across projects. One that is in Lentune already keeps its number."""
    others = known.others_numbered("commitment", obj.number, obj.source_id) if obj.number else []
    if not others or standing(known, "commitment", obj.source_id):
        return None
    return Problem("po_number_not_unique", named(obj), tuple(on_snapshot("procore", "commitment", o) for o in others))


def description_present(obj: Commitment, known: Known) -> Problem | None:
    return None if obj.name else Problem("description_missing", named(obj))


def lines_present(obj: Commitment | Variation, known: Known) -> Problem | None:
    return None if obj.lines else Problem("schedule_of_values_empty", named(obj))


def line_descriptions(obj: Commitment, known: Known) -> Problem | None:
    return _about_lines("line_description_missing", obj, lambda line: not line.description)


def line_values(obj: Commitment | Variation, known: Known) -> Problem | None:
    return _about_lines("line_value_missing", obj, lambda line: line.amount is None)


def line_values_fit(obj: Commitment | Variation, known: Known) -> Problem | None:
    return _about_lines(
        "line_value_too_large", obj, lambda line: line.amount is not None and abs(line.amount) >= LARGEST_AMOUNT
    )


def currency_carried(obj: BudgetCode | Commitment | Variation, known: Known) -> Problem | None:
    """Only purchase orders carry a currency there (B.2). An amount in another one would be counted as if it were ours."""
    carried = isinstance(obj, Commitment) and obj.form == "purchase_order"
    if carried or not obj.currency or obj.currency == known.settings.currency:
        return None
    return Problem("currency_not_carried", named(obj, currency=obj.currency, counted=known.settings.currency))


def line_codes_given(obj: Commitment | Variation, known: Known) -> Problem | None:
    return _about_lines("line_cost_code_missing", obj, lambda line: not line.budget_code_id)


def codes_on_budget(obj: Commitment | Variation, known: Known) -> Problem | None:
    """A code placed only on the commitment must first be confirmed on the budget: the commitment waits."""
    absent = _off_budget(obj.lines, known)
    if not absent or _waits_for_parent(obj, known):
        return None
    waits = [on_snapshot("procore", "budget_code", line.budget_code_id) for line in absent]
    waits.append(on_any("procore", "budget_code", obj.project_id))
    return Problem("cost_code_not_on_budget", named(obj, codes=_codes(absent)), tuple(dict.fromkeys(waits)))


def codes_synced(obj: Commitment | Variation, known: Known) -> Problem | None:
    """On the budget, and then in Lentune: only after that does the commitment arrive."""
    off = {line.budget_code_id for line in _off_budget(obj.lines, known)}
    late = [
        line for line in obj.lines
        if line.budget_code_id and line.budget_code_id not in off
        and not standing(known, "budget_code", line.budget_code_id)
    ]
    if not late or _waits_for_parent(obj, known):
        return None
    waits = dict.fromkeys(on_link("budget_code", line.budget_code_id) for line in late)
    return Problem("cost_code_not_synced", named(obj, codes=_codes(late)), tuple(waits))


def codes_budgeted_early(obj: Commitment, known: Known) -> Problem | None:
    """Advice while it is still a draft: the budget first, then the commitment."""
    absent = _off_budget(obj.lines, known)
    if not absent or obj.status != "draft":
        return None
    waits = (on_any("procore", "budget_code", obj.project_id),)
    return Problem("codes_off_budget_in_draft", named(obj, codes=_codes(absent)), waits)


def supplier_of(obj: Commitment, known: Known) -> Vendor | None:
    """The one supplier of equal name (L-35), else the one that a user filled in on Lentune's copy (L-34)."""
    same: list[Vendor] = [found for found in known.find("lentune", "vendor", name=obj.vendor_name) if found.active]
    if obj.vendor_name and len(same) == 1:
        return same[0]
    copy_id = standing(known, "commitment", obj.source_id)
    copy: Commitment | None = known.snapshot("lentune", "commitment", copy_id) if copy_id else None
    found: Vendor | None = known.snapshot("lentune", "vendor", copy.vendor_id) if copy and copy.vendor_id else None
    return found


def supplier_known(obj: Commitment, known: Known) -> Problem | None:
    """A warning, never a failure: it arrives with a blank supplier and a user completes it."""
    if supplier_of(obj, known) is not None:
        return None
    return Problem("supplier_blank", named(obj, supplier=obj.vendor_name or "none"), (on_any("lentune", "vendor"),))


def commitment_there(obj: Variation, known: Known) -> Problem | None:
    if standing(known, "commitment", obj.commitment_id):
        return None
    values = named(obj, commitment=obj.commitment_number)
    return Problem("commitment_not_synced", values, (on_link("commitment", obj.commitment_id),))


def _waits_for_parent(obj: Commitment | Variation, known: Known) -> bool:
    """A variation whose commitment is not there yet: the commitment's own problem names the codes."""
    return isinstance(obj, Variation) and not standing(known, "commitment", obj.commitment_id)


def _off_budget(lines: Iterable[CommitmentLine], known: Known) -> list[CommitmentLine]:
    absent = []
    for line in lines:
        found = known.snapshot("procore", "budget_code", line.budget_code_id) if line.budget_code_id else None
        if line.budget_code_id and (found is None or not found.on_budget):
            absent.append(line)
    return absent


def _about_lines(code: str, obj: Commitment | Variation, wrong: Callable[[CommitmentLine], bool]) -> Problem | None:
    places = [str(n) for n, line in enumerate(obj.lines, 1) if wrong(line)]
    return Problem(code, named(obj, lines=", ".join(places))) if places else None


def _codes(lines: Iterable[CommitmentLine]) -> str:
    return ", ".join(sorted({line.code or line.budget_code_id for line in lines}))


PROJECT = (
    Check("number present", "L-02", number_present),
    Check("name present", "L-02", name_present),
    Check("number not used by another project", "L-02", project_number_free),
    Check("region has a branch of equal name", "L-36 L-37", branch_matched),
)
COST_TYPE = (Check("code present", "L-10", number_present), Check("name present", "L-10", name_present))
COST_CODE = (Check("code present", "L-15", number_present), Check("name present", "L-15", name_present))
BUDGET_CODE = (
    Check("project is in Lentune", "L-14", project_there),
    Check("code present", "L-14", number_present),
    Check("cost type is in Lentune", "L-10", cost_type_there),
    Check("its currency can be told there", "L-14", currency_carried),
    Check("code has a cost type", "L-10", cost_type_given),
)
COMMITMENT = (
    Check("one side raises purchase orders", "L-17 P-17", one_po_master),
    Check("project is in Lentune", "L-31", project_there),
    Check("number present", "L-28", number_given),
    Check("number unique", "L-28", number_unique),
    Check("description present", "L-29", description_present),
    Check("at least one line", "L-30", lines_present),
    Check("every line has a cost code", "L-31", line_codes_given),
    Check("every code is on the budget", "L-21", codes_on_budget),
    Check("every code is in Lentune", "L-31", codes_synced),
    Check("codes were on the budget first", "L-20", codes_budgeted_early),
    Check("every line is described", "L-32", line_descriptions),
    Check("every line has a value", "L-33", line_values),
    Check("values fit", "L-33", line_values_fit),
    Check("its currency can be told there", "L-33", currency_carried),
    Check("supplier of equal name", "L-34 L-35", supplier_known),
)
VARIATION = (
    Check("its commitment is in Lentune", "L-23", commitment_there),
    Check("at least one line", "L-23", lines_present),
    Check("every line has a cost code", "L-31", line_codes_given),
    Check("every code is on the budget", "L-21", codes_on_budget),
    Check("every code is in Lentune", "L-31", codes_synced),
    Check("every line has a value", "L-23", line_values),
    Check("values fit", "L-23", line_values_fit),
    Check("its currency can be told there", "L-23", currency_carried),
)
