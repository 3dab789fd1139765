"""Synthetic raw input."""
