"""Tests of the connectors against their simulators, in process, without a database."""
