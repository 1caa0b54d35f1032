"""What the sync room decides without a database."""
