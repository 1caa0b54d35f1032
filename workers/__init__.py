"""The processes: the Celery app, beat, per-process resources, queues, and the local stack that runs them all."""
