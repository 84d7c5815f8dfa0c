"""The codes of an authenticator app."""

import time

from portal.sign_in.allauth_internals import TOTP_PERIOD_S, totp_code

LEAST_LEFT = 5.0  # seconds in which a test can use it


def code_now(secret: str) -> str:
    """As a person does who sees that a code is about to end, it waits for the next one."""
    left = TOTP_PERIOD_S - time.time() % TOTP_PERIOD_S
    if left < LEAST_LEFT:
        time.sleep(left)
    return totp_code(secret, time.time())
