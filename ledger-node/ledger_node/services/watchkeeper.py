"""Monitoring as one thing that is started and closed: settings, monitor and, if there is a webhook, its deliverer."""

import secrets
from pathlib import Path

import structlog

from ledger_node.adapters.alert_webhook import AlertWebhook
from ledger_node.adapters.exchange import BadAddressError
from ledger_node.services.alert_delivery import Deliverer
from ledger_node.services.alert_settings import FILE, WebhookSettings, read_settings
from ledger_node.services.errors import ServiceError
from ledger_node.services.monitor import Monitor
from ledger_node.services.node import Node

_FINE = 2**20
log = structlog.get_logger()


class Watchkeeper:
    """Raises ServiceError at once if the settings are wrong; without the webhook's secret nothing is posted."""

    def __init__(self, node: Node, credentials: Path | None = None) -> None:
        settings = read_settings(node.home, credentials)
        if settings.left_out:
            log.error("a secret is missing", problem=settings.left_out)
        self._webhook = _webhook(settings.webhook, node) if settings.webhook else None
        self._deliverer = self._delivering(node, self._webhook) if self._webhook else None
        self._monitor = Monitor(node, settings.thresholds, node.alerts)

    def start(self) -> None:
        """Begin to watch, and to deliver."""
        self._monitor.start()
        if self._deliverer:
            self._deliverer.start()

    def close(self) -> None:
        """End; what is not delivered yet is owed."""
        self._monitor.close()
        if self._deliverer and self._webhook:
            self._deliverer.close()
            self._webhook.close()

    def _delivering(self, node: Node, webhook: AlertWebhook) -> Deliverer:
        # The log's name makes ids that no other node's alerts have.
        return Deliverer(
            node.alerts,
            webhook,
            node.keys.origin.rpartition("/")[2],
            node.now,
            lambda: secrets.randbelow(_FINE) / _FINE,
        )


def _webhook(settings: WebhookSettings, node: Node) -> AlertWebhook:
    try:
        return AlertWebhook(settings.url, settings.secret, node.now)
    except BadAddressError as error:
        raise ServiceError("settings", f"{node.home / FILE}: webhook.url: {error}") from error
