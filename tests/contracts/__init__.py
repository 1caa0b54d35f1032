"""The outside systems' interface documents, and the check of requests and answers against them."""
