"""What is reached over HTTP: the webhook endpoint, the REST API, the console."""
