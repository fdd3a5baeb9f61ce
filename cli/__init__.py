"""The naru command."""
