"""Tests of the simulators: the kit, and each system against its document."""
