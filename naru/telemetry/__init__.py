"""Logs, metrics and the trail."""
