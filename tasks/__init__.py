"""Celery tasks: one module per kind, and scans, inbox, sweep, reconcile, housekeeping. Each holds policy only."""
