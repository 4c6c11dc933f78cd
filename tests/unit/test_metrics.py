import urllib.request

from memsvc import metrics


def test_metrics_are_served_over_http_while_exposed() -> None:
    metrics.JOBS.labels("test", "done").inc()
    with metrics.exposed("127.0.0.1", 0) as port:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    assert 'memsvc_jobs_total{kind="test",outcome="done"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_no_label_could_hold_a_name_of_a_user_or_tenant() -> None:
    ours = [metric for name, metric in vars(metrics).items() if hasattr(metric, "_labelnames")]
    assert ours
    assert {label for metric in ours for label in metric._labelnames} == {
        "model",
        "urgency",
        "kind",
        "state",
        "outcome",
        "method",
        "code",
    }
