"""What can be set for one company's connection with Procore, with the words people know from its screens."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from settings.address import bare_address

#: Login host and API host of each environment (contract section 1); their credentials are not interchangeable.
HOSTS = {
    "https://api.procore.com": "https://login.procore.com",
    "https://sandbox.procore.com": "https://login-sandbox.procore.com",
    "https://api-monthly.procore.com": "https://login-sandbox-monthly.procore.com",
}


class ProcoreSettings(BaseModel):
    """Stored with the connection. Procore refuses a wrong `company_id` with 403, and hosts of another environment with 401."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("https://api.procore.com", title="API host", description="Where Procore's API answers.")
    login_url: str = Field("", title="Login host", description="Empty: the one that belongs to the API host.")
    company_id: str = Field("", title="Company ID", pattern=r"^\d{0,19}$",
                            description="The number in the address of your Procore company. Empty: the company's own.")
    currency: str = Field("NZD", title="Base currency", pattern=r"^[A-Z]{3}$",
                          description="Used where Procore names no currency, as it does while it knows only one.")
    only_projects: tuple[str, ...] = Field((), title="Only these project numbers", description="Empty: all projects.")
    demo_projects: bool = Field(False, title="Include demo projects and templates",
                                description="Procore's sample and template projects are left out unless this is on.")
    budget_view: str = Field("", title="Budget view", description="Name of the view budget lines are read from. "
                             "Empty: the oldest view of each project.")
    namespace: str = Field("sitebooks", title="Webhooks namespace", pattern=r"^[a-z0-9-]{1,64}$",
                           description="Marks our hooks among those of other apps.")
    payload_version: Literal["v2.0", "v3.0", "v4.0"] = Field(
        "v3.0", title="Webhooks payload version",
        description="From v3.0 on, events of contract lines name their contract; with v2.0 a scan finds them.",
    )
    page_size: int = Field(1000, title="Records per page", ge=10, le=2000,
                           description="Procore advises at most 2,000; endpoints with a smaller ceiling get theirs.")

    @field_validator("base_url", "login_url")
    @classmethod
    def _bare_host(cls, value: str) -> str:
        return bare_address(value, "an address of Procore") if value else ""

    @model_validator(mode="after")
    def _login_known(self) -> Self:
        if not self.login_url and self.base_url not in HOSTS and not self.base_url.startswith("http://"):
            raise ValueError(f"which login host belongs to {self.base_url}?")
        return self

    @property
    def login(self) -> str:
        """The login host in use; a stand-in on this machine serves both."""
        return self.login_url or HOSTS.get(self.base_url, self.base_url)
