"""Tests of what keeps companies apart, secrets secret, and the history whole."""
