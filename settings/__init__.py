"""What can be changed without changing code: the environment, Celery, the schedule, one file per outside system."""
