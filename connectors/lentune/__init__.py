"""Lentune, through our proposed adapter contract (see README.md)."""
