"""What a component tells of itself: structured logs, and the trail of causes behind its writes."""
