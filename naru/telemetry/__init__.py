"""What a component tells of itself: structured logs, metrics, and the trail of causes behind its writes."""
