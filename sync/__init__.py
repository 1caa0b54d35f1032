"""What a sync is: life cycle, claim, checks, the write protocol, scans, release, approval. No Celery, no HTTP client."""
