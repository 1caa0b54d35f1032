"""The mill: randomized runs of the whole system, judged by tests.oracles."""
