"""What Prometheus reads at /metrics: counts and latencies of this process, in a registry of its own; nobody's data."""

import prometheus_client as prometheus

from ledger_node.log.ledger import Ledger

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """Everything that is counted. Any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self.registry = prometheus.CollectorRegistry()
        self.claims = prometheus.Counter("ledger_claims", "Claims by verdict", ["verdict"], registry=self.registry)
        self.records = prometheus.Counter(
            "ledger_uploaded_records", "Uploaded records by verdict", ["verdict"], registry=self.registry
        )
        self.refusals = prometheus.Counter(
            "ledger_refused_requests", "Requests of devices refused, by code", ["code"], registry=self.registry
        )
        self.incidents = prometheus.Counter("ledger_incidents", "Double entries reported", registry=self.registry)
        self.commit = prometheus.Histogram(
            "ledger_commit_seconds",
            "From submission to durable outcome, fsync included",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.behind = prometheus.Gauge(
            "ledger_device_behind_entries", "Log size minus a device's view", ["device"], registry=self.registry
        )
        self.heard = prometheus.Gauge(
            "ledger_device_heard_timestamp_seconds",
            "Unix second at which a device last asked what has changed",
            ["device"],
            registry=self.registry,
        )
        self.nonces = prometheus.Gauge("ledger_nonces", "Nonces remembered", registry=self.registry)
        self.waiting = prometheus.Gauge("ledger_waiting_gates", "Long polls under way", registry=self.registry)
        size = prometheus.Gauge("ledger_size_entries", "Entries in the log", registry=self.registry)
        size.set_function(lambda: float(ledger.size))

    def text(self) -> bytes:
        """The exposition format."""
        return prometheus.generate_latest(self.registry)
