"""The REST API for scripts: /api/v1, described in /api/openapi.json."""

from fastapi import APIRouter

from web.api import acting, reading

router = APIRouter(prefix="/api/v1")
router.include_router(reading.router)
router.include_router(acting.router)
