from naru.telemetry.metrics import Metrics


def test_a_page_shows_what_was_counted_and_what_is_observed() -> None:
    metrics = Metrics("controllers")
    metrics.counter("writes", "Writes made.", ["verb"]).labels("create").inc()
    metrics.gauge("leading", "1 while this process leads.").set(1)
    metrics.histogram("reconcile_seconds", "Time of a reconcile.").observe(0.2)
    metrics.observe("queue_depth", "Keys that wait.", "queue", lambda: {"replicaset": 3.0})
    content_type, page = metrics.page()
    assert content_type.startswith("text/plain")
    lines = page.decode().splitlines()
    assert 'naru_controllers_writes_total{verb="create"} 1.0' in lines
    assert "naru_controllers_leading 1.0" in lines
    assert 'naru_controllers_queue_depth{queue="replicaset"} 3.0' in lines
    assert 'naru_controllers_reconcile_seconds_bucket{le="0.25"} 1.0' in lines


def test_components_do_not_share_a_registry() -> None:
    Metrics("scheduler").gauge("nodes", "Nodes.").set(3)
    assert "nodes" not in Metrics("scheduler").page()[1].decode()
