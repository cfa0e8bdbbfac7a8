import base64
import hashlib
import hmac
import time

import pytest

from server.webhooks.signature import keys_of, signature
from tests.receiver import SECRET, documented_verify


def test_the_published_example() -> None:
    """The example of the specification's own libraries has the signature that they print."""
    body = b'{"test": 2432232314}'
    signed = signature(keys_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_secrets_sign_side_by_side() -> None:
    """One signature for each secret, in their order, each as it would be alone."""
    other = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    both = signature(keys_of(f"{SECRET}, {other}"), "msg_1", 12, b"{}")
    by_hand = hmac.new(bytes(range(32)), b"msg_1.12.{}", hashlib.sha256).digest()
    assert both.split(" ") == [
        signature(keys_of(SECRET), "msg_1", 12, b"{}"),
        f"v1,{base64.b64encode(by_hand).decode()}",
    ]


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("secret", "must begin with whsec_"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "at least 24 bytes"),
        ("whsec_not base64!", "must be base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_", "at least 24 bytes"),
    ],
)
def test_a_secret_in_another_form_is_refused(secret: str, sentence: str) -> None:
    """The sentence says what is wrong, and has nothing of the secret."""
    with pytest.raises(ValueError, match=sentence):
        keys_of(secret)


def test_the_documented_receiver_checks() -> None:
    """`verify` of docs/webhooks.md takes what is signed with one of several secrets, and nothing else."""
    verify, now_s = documented_verify(), int(time.time())
    other = "whsec_" + base64.b64encode(bytes(24)).decode()

    def headers(timestamp_s: int = now_s) -> dict[str, str]:
        signed = signature(keys_of(f"{other},{SECRET}"), "msg_1", timestamp_s, b"{}")
        return {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp_s), "webhook-signature": signed}

    verify(SECRET, headers(), b"{}")
    for wrong in (
        (SECRET, headers(), b"{ }"),
        (SECRET, headers() | {"webhook-id": "msg_2"}, b"{}"),
        (SECRET, headers() | {"webhook-timestamp": str(now_s + 1)}, b"{}"),
        (SECRET, headers(now_s - 301), b"{}"),
        ("whsec_" + base64.b64encode(b"\1" * 24).decode(), headers(), b"{}"),
    ):
        with pytest.raises(ValueError, match=r"too old|not signed"):
            verify(*wrong)
