"""Filters and scores, one file each."""
