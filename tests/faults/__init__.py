"""The fault matrix: one file for each row, on the whole product with real processes."""
