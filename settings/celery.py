"""Celery's settings, only by Celery's own names; workers/app.py loads this module."""

from settings.environment import environment as _environment

_here = _environment()
_rabbit = _here.broker_url.get_secret_value().startswith(("amqp://", "amqps://"))

# Without an address Celery would silently talk to a RabbitMQ on localhost: this name fails and says why.
broker_url = _here.broker_url.get_secret_value() or "redis://broker-url-is-not-set.invalid:6379/0"

# JSON only, never pickle; arguments are ids
task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]
enable_utc = True
timezone = "UTC"

# Postgres is the status store: no result backend, so that a chord or .get() cannot be used by accident
task_ignore_result = True
task_store_errors_even_if_ignored = False
result_backend = None

# delivery: late acknowledgement, and a lost pool child costs one bounded retry (rejecting instead loops for ever)
task_acks_late = True
task_acks_on_failure = True
task_acks_on_timeout = True
task_retry_on_worker_lost = True
task_reject_on_worker_lost = False
task_track_started = False
worker_prefetch_multiplier = 1
worker_eta_task_limit = 200

# time, in seconds; a run that needs longer hands the rest back
task_soft_time_limit = _here.soft_limit_seconds
task_time_limit = _here.hard_limit_seconds
task_annotations = {"*": {"default_retry_delay": 10}}  # a lost pool child's retry, too; the default is 180

# queues by what they wait for, so that a backfill never stands before a webhook
task_default_queue = "interactive"
task_queues = {
    name: {
        "exchange": name,
        "exchange_type": "topic" if _rabbit else "direct",
        "routing_key": name,
        # a quorum queue counts deliveries: a message that kills its worker five times is dropped, the sweep rings again
        "queue_arguments": {"x-queue-type": "quorum", "x-delivery-limit": 5} if _rabbit else None,
    }
    for name in ("interactive", "bulk", "maintenance")
}
task_routes = {
    "sitebooks.scan.*": {"queue": "bulk"},
    "sitebooks.maintenance.*": {"queue": "maintenance"},
}
task_create_missing_queues = False  # a misspelt queue is an error at publish, not a queue nobody reads

# broker
broker_transport_options: dict[str, object]
if _rabbit:
    task_default_queue_type = "quorum"
    broker_transport_options = {"confirm_publish": True, "connect_timeout": 5}
else:
    broker_transport_options = {
        "visibility_timeout": _here.visibility_seconds,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # the default of 10 keeps a lost task waiting 100 s more
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "sitebooks:",
    }
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_pool_acquire_timeout = 5
# killing a task because the broker went away would fall between a POST and the commit of its answer
worker_cancel_long_running_tasks_on_connection_loss = False
worker_enable_remote_control = True
worker_consumer = "workers.odd_messages:ReadingConsumer"  # counts what cannot be decoded

# life of a worker process
worker_max_tasks_per_child = 500
worker_max_memory_per_child = 200_000  # KiB; the child is replaced between two tasks
worker_soft_shutdown_timeout = 20
worker_enable_soft_shutdown_on_idle = False
worker_hijack_root_logger = False

# what Flower shows
worker_send_task_events = True
task_send_sent_event = True

# beat: each tick claims its slot in Postgres, so a second or a late beat changes nothing
beat_max_loop_interval = 1  # s; also how long beat takes to end (workers/beat.py)
beat_enable_remote_control = True
