"""What the tasks declare."""
