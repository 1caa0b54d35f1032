"""The outside systems, one folder each, the same file names in each. The only product code with an HTTP client."""
