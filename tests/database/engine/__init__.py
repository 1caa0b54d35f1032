"""The engine on real Postgres and both simulators: never twice, never lost, never mixed."""
