"""The toolkit that controllers are written with: informers, workqueue, loop, expectations, events, leader election."""
