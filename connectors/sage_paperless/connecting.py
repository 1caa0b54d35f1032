"""Which of the two ways in a connection takes: over REST, or through the drop folder."""

from typing import Any

from connectors.ports import Budget, Client, CredentialStore
from connectors.sage_paperless.client import PaperlessClient
from connectors.sage_paperless.folder import FolderClient
from settings.sage_paperless import SagePaperlessSettings


def connect(settings: SagePaperlessSettings, store: CredentialStore, budget: Budget, *, company: str, **options: Any) -> Client:
    """A client of one connection; `options` are those of HttpClient (seconds, urgent, transport, clock, folder)."""
    if settings.transport == "drop_folder":
        return FolderClient(settings, company=company, documents=options.get("folder"), clock=options.get("clock"))
    return PaperlessClient(settings, store, budget, company=company, **options)
