"""Sage Paperless Construction: approved subcontractor invoices in, payments out."""
