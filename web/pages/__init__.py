"""The console: pages rendered here, without scripts."""

from fastapi import APIRouter

from web.pages import (
    approvals,
    documents,
    events,
    granting,
    objects,
    overview,
    payments,
    problems,
    reconciliation,
    settling,
    sign_in,
    systems,
)

router = APIRouter(include_in_schema=False)
for module in (
    sign_in, overview, objects, settling, approvals, problems, events, systems, granting, payments, documents, reconciliation,
):  # fmt: skip
    router.include_router(module.router)
