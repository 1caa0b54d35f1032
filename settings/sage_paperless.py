"""What can be set for one company's connection with Sage Paperless Construction, with the words of its screens."""

import re
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from settings.address import bare_address

Approval = Literal["automatic", "automatic_when_checks_pass", "manual"]
ImportBehavior = Literal[
    "automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import"
]
MANUAL = "manual_import"
#: Bridges that have a Procore part at all (S-08).
BRIDGES = {"sage_100_contractor": "Sage 100", "sage_300_cre": "Sage 300"}
#: Fields that the vault holds itself, and its name for each: an edit is sent there first, ours is the mirror.
MIRRORED = {
    "import_behavior": "import_behaviour", "queue": "queue_id", "allow_edit": "allow_edit_of_imported_invoices",
    "product_writes_payments": "create_payments_in_procore",
}  # fmt: skip
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d\Z")


class SagePaperlessSettings(BaseModel):
    """Stored with the connection, as a whole or not at all (S-36). Fields in MIRRORED are the vault's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Literal["rest", "drop_folder"] = Field(
        "rest", title="Way in", description="The adapter beside the server, or a folder on a share both sides can reach.",
    )
    base_url: str = Field("", title="Address", description="Where the adapter answers, without its path; for the way in rest.")
    folder: str = Field("", title="Drop folder", description="Its root, as a whole path; for the way in drop_folder.")
    vault_id: str = Field(title="Vault id", description="The vault's id, which is also its folder's name.")
    vault: str = Field("", title="Vault", description="The vault's name, as people know it.")
    bridge: Literal["sage_100_contractor", "sage_300_cre"] = Field(
        title="Bridge", description="The accounting system behind the vault: Sage 100 Contractor or Sage 300 CRE (S-08).",
    )
    currency: str = Field("NZD", title="Currency", pattern=r"^[A-Z]{3}$",
                          description="Of accounting: payments and invoices there carry none.")
    paper: Literal["A4", "Letter"] = Field("A4", title="Paper", description="Of pages made from pictures and text.")

    import_behavior: ImportBehavior = Field(
        "automated_import_into_queue", title="Import Behavior",
        description="Into the queue; auto-routed with the queue as failover; or only when a person picks an invoice.",
    )
    queue: str | None = Field(None, title="Queue", description="The queue that imported invoices are put in (S-32).")
    allow_edit: bool = Field(False, title="Allow edit of imported Procore invoices")
    create_payments_in_procore: bool = Field(
        False, title="Create payments in Procore", description="Payments made in accounting are written to Procore (S-34).",
    )
    payment_writer: Literal["sitebooks", "product"] = Field(
        "sitebooks", title="Who writes payments",
        description="Exactly one of Sitebooks and Sage Paperless itself writes payments to Procore.",
    )
    product_writes_payments: bool = Field(
        False, title="Payments written by Sage Paperless", json_schema_extra={"readOnly": True},
        description="What the vault's own switch says; read, never edited here.",
    )
    payment_times: tuple[str, ...] = Field(
        ("06:00", "18:00"), title="Payment times", description="Wall-clock times at which payments are read, twice a day.",
    )
    invoice_route: Literal["sage_paperless", "elsewhere"] = Field(
        "sage_paperless", title="Route of invoices",
        description="Through which system Procore's invoices reach accounting: one route only (C-12).",
    )

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

    @field_validator("base_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return bare_address(value, "the adapter's address") if value else value

    @field_validator("folder")
    @classmethod
    def _whole_path(cls, value: str) -> str:
        if value and (not PurePath(value).is_absolute() or ".." in PurePath(value).parts):
            raise ValueError("the drop folder is a whole path without '..'")
        return value

    @field_validator("vault_id", "queue")
    @classmethod
    def _one_name(cls, value: str | None) -> str | None:
        if value is not None and not NAME.match(value):
            raise ValueError(f"{value!r} is no id: letters, digits, '-', '_' and '.' only")
        return value

    @field_validator("payment_times")
    @classmethod
    def _two_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != 2 or not all(TIME.match(one) for one in value):
            raise ValueError("payment times are two different times such as 06:00 and 18:00")
        return tuple(sorted(value))

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.transport == "rest" and not self.base_url:
            raise ValueError("the way in 'rest' needs the adapter's address")
        if self.transport == "drop_folder" and not self.folder:
            raise ValueError("the way in 'drop_folder' needs the drop folder's path")
        if self.transport == "drop_folder" and self.import_behavior == MANUAL:
            raise ValueError("S-27: Manual Import brings no files, so it needs the way in 'rest'")
        if self.import_behavior != MANUAL and not self.queue:
            raise ValueError("S-32: an automated import needs a queue")
        return self

    @property
    def automated(self) -> bool:
        return self.import_behavior != MANUAL

    @property
    def payments_by(self) -> Literal["sitebooks", "product", "nobody"]:
        """Who writes payments to Procore: never both (contract B.7). The product's own switch keeps our hands off."""
        if self.product_writes_payments:
            return "product"
        return self.payment_writer if self.create_payments_in_procore else "nobody"

    def mirrored(self) -> dict[str, Any]:
        """What the vault is asked to hold, in its own words, but for the company."""
        product = self.create_payments_in_procore and self.payment_writer == "product"
        return {
            "import_behaviour": self.import_behavior, "queue_id": self.queue,
            "allow_edit_of_imported_invoices": self.allow_edit, "create_payments_in_procore": product,
        }  # fmt: skip
