"""What the server posts to the operator's own systems: the webhooks that the settings choose."""

from contextlib import AsyncExitStack

from server.choices import Keeper, wall_ms
from server.config import Settings
from server.telemetry.monitor import Monitor
from server.webhook_section import addresses
from server.webhooks.deliveries import Deliveries
from server.webhooks.endpoint import Endpoint
from server.webhooks.schedule import Schedule
from server.webhooks.signature import keys_of
from server.webhooks.webhooks import Webhooks


def open_webhooks(settings: Settings, keeper: Keeper, monitor: Monitor, stack: AsyncExitStack) -> Webhooks:
    """Start the webhooks that the settings name, if any. The stack closes them.

    What a store that does not outlive the server still has then is delivered first, within the drain.
    """
    keys = keys_of(settings.webhook_secret.get_secret_value())
    schedule = Schedule(round(settings.webhook_retry_h * 3_600_000))
    deliveries = [
        Deliveries(keeper.store, Endpoint(url, keys, settings.webhook_timeout_s), schedule, wall_ms)
        for url in addresses(settings.webhook_url)
    ]
    webhooks = Webhooks(keeper.store, deliveries, settings.webhook_events)
    webhooks.start()
    stack.push_async_callback(webhooks.close, 0.0 if keeper.outlives else settings.drain_s)
    if deliveries:
        monitor.watch_webhooks(webhooks)
    return webhooks
