"""What can be set for one company's connection with Lentune, with the words people know from its screens."""

import re
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from settings.address import bare_address

Approval = Literal["automatic", "automatic_when_checks_pass", "manual"]
PoMaster = Literal["lentune", "procore", "neither", "refused"]

#: Fields that Lentune holds per Procore company (P-01): an edit is sent there first, ours is the mirror.
MIRRORED = (
    "lentune_purchase_order", "procore_purchase_order", "project_stages", "accounting_route", "auto_push_invoices",
    "auto_push_cron", "region_to_branch", "rounding_tolerance", "tax_mappings", "pull_variations", "pull_subcontracts",
)
CRON_PART = re.compile(r"^[0-9*/,\-]+$")


class TaxMapping(BaseModel):
    """One of Lentune's tax codes and the Procore tax code that stands for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lentune_tax: str = Field(title="Lentune tax")
    procore_tax: str = Field(title="Procore tax")


class LentuneSettings(BaseModel):
    """Stored with the connection. Fields in MIRRORED are Lentune's own, the others are ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(title="Address", description="Where the Lentune adapter answers, without its path.")
    currency: str = Field("NZD", title="Currency", pattern=r"^[A-Z]{3}$",
                          description="Used where Lentune names none: invoices and subcontracts carry no currency.")

    lentune_purchase_order: bool = Field(False, title="Lentune purchase order",
                                         description="Lentune raises purchase orders; they are sent to Procore.")
    procore_purchase_order: bool = Field(False, title="Procore purchase order",
                                         description="Procore raises purchase orders; they are sent to Lentune.")
    project_stages: tuple[str, ...] = Field((), title="Project stages",
                                            description="Procore stages that let a project through to Lentune.")
    accounting_route: Literal["all_via_procore", "project_via_procore_overhead_direct"] = Field(
        "all_via_procore", title="Accounting route",
        description="All invoices reach accounting through Procore, or overhead goes straight from Lentune.",
    )
    auto_push_invoices: bool = Field(False, title="Push invoices automatically",
                                     description="Off: an invoice goes to Procore only when somebody asks.")
    auto_push_cron: str | None = Field(None, title="Push schedule", description="Minute, hour, day, month, weekday.")
    region_to_branch: Literal["equal_name"] = Field("equal_name", title="Region to branch")
    rounding_tolerance: Decimal = Field(
        Decimal("0.00"), title="Rounding tolerance", ge=0, le=10, max_digits=4, decimal_places=2,
        description="By how much an invoice's total may differ from the sum of its lines.",
    )
    tax_mappings: tuple[TaxMapping, ...] = Field((), title="Tax mapping")
    pull_variations: bool = Field(True, title="Pull variations from Procore")
    pull_subcontracts: bool = Field(True, title="Pull subcontracts from Procore")

    most_new_per_hour: int = Field(
        200, title="New documents an hour", ge=1,
        description="More new documents of one kind within an hour than this wait for a person's approval.",
    )
    most_amount_per_hour: Decimal | None = Field(
        None, title="New amount an hour", ge=0, max_digits=18, decimal_places=2,
        description="Together more than this of one kind within an hour wait for a person's approval.",
    )
    approval: dict[str, Approval] = Field({}, title="Approval",
                                          description="Per kind; kinds that are not named go automatically.")
    supplier_policy: Literal["create_blank"] = Field(
        "create_blank", title="Unknown supplier on a commitment",
        description="It arrives with a blank supplier and a warning; a user completes it.",
    )
    unknown_vendor_on_invoice: Literal["create", "hold"] = Field(
        "create", title="Unknown vendor on an invoice",
        description="Create the company vendor in Procore with a warning, or hold the invoice until it exists.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_po_master(cls, values: Any) -> Any:
        """Lentune answers `po_master` besides the boxes; it is read only and follows from them."""
        return {k: v for k, v in values.items() if k != "po_master"} if isinstance(values, dict) else values

    @field_validator("base_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return bare_address(value, "the adapter's address")

    @field_validator("auto_push_cron")
    @classmethod
    def _five_parts(cls, value: str | None) -> str | None:
        if value is not None and (len(value.split()) != 5 or not all(CRON_PART.match(p) for p in value.split())):
            raise ValueError("a schedule has five parts: minute, hour, day, month, weekday")
        return value

    @model_validator(mode="after")
    def _one_po_master(self) -> Self:
        if self.lentune_purchase_order and self.procore_purchase_order:
            raise ValueError(
                "P-17: only one side can raise purchase orders; switch off 'Lentune purchase order' or "
                "'Procore purchase order'"
            )
        return self

    @field_serializer("rounding_tolerance")
    def _two_places(self, value: Decimal) -> str:
        return f"{value:.2f}"

    @property
    def po_master(self) -> PoMaster:
        """Who raises purchase orders. `refused`: both boxes on, which validation prevents and no rule may act on."""
        if self.lentune_purchase_order and self.procore_purchase_order:
            return "refused"
        if self.lentune_purchase_order:
            return "lentune"
        return "procore" if self.procore_purchase_order else "neither"

    def mirrored(self) -> dict[str, Any]:
        """What Lentune is asked to hold, in its own form."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in MIRRORED}

    def procore_tax(self, lentune_tax: str | None) -> str | None:
        """The Procore tax code mapped to one of Lentune's, or None."""
        return next((m.procore_tax for m in self.tax_mappings if m.lentune_tax == lentune_tax), None)
