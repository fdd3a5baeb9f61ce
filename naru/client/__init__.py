"""The asyncio client of the API."""
