"""The settings of webhooks."""

import pytest

from server.config import load
from server.errors import ConfigError
from server.webhook_section import addresses
from tests import bare_settings

empty_directory = bare_settings.empty_directory

GOOD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"webhook_url": "https://example.org/a"}, "ANTIPHON_WEBHOOK_SECRET: is needed with ANTIPHON_WEBHOOK_URL"),
        ({"webhook_url": "https://a", "webhook_secret": "short"}, "ANTIPHON_WEBHOOK_SECRET: each secret must begin"),
        ({"webhook_url": "ftp://a", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: must be http or https"),
        ({"webhook_url": "https://a,ftp://b", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: must be http or https"),
        ({"webhook_url": "https://a,https://a", "webhook_secret": GOOD}, "ANTIPHON_WEBHOOK_URL: has an address twice"),
        ({"webhook_events": "call.started,calls"}, "ANTIPHON_WEBHOOK_EVENTS: must be some of call.started"),
    ],
)
def test_webhooks_without_what_they_need_are_refused(given: dict[str, str], sentence: str) -> None:
    """The server does not start, and the sentence shows no secret."""
    with pytest.raises(ConfigError, match=sentence) as raised:
        load(**given)
    assert GOOD not in str(raised.value)


def test_webhooks_have_addresses_and_secrets() -> None:
    """Several of each; private addresses and commas in a query are the operator's own business."""
    urls = "http://10.0.0.1:9000/in?a=1,2, https://[::1]/b"
    settings = load(webhook_url=urls, webhook_secret=f"{GOOD}, {GOOD}", webhook_events="exchange")
    assert addresses(settings.webhook_url) == ("http://10.0.0.1:9000/in?a=1,2", "https://[::1]/b")
    assert settings.webhook_events == ("exchange",)
    assert "10.0.0.1" not in repr(settings)
