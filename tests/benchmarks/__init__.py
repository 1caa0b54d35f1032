"""Benchmarks: each runs the product and an anchor that shows what the machine can do, in the same run."""
