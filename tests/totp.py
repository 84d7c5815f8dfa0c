"""What an authenticator app shows."""

import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

PERIOD = 30  # seconds
LEAST_LEFT = 5.0  # seconds in which a test can use it


def code_now(secret: str) -> str:
    """As a person does who sees that a code is about to end, it waits for the next one."""
    left = PERIOD - time.time() % PERIOD
    if left < LEAST_LEFT:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD))
