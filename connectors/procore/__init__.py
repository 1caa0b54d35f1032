"""Procore, where the job is run: client, readers, plans, webhooks. README.md says what it can and cannot do."""
