"""Fresh keys for a demonstration or a test run, in the form of the settings."""

import base64
import secrets


def generate() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECRETS_KEYS": f"local:{_thirty_two_bytes()}",
        "LOG_SIGNING_KEYS": f"local:{_thirty_two_bytes()}",
    }


def _thirty_two_bytes() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


if __name__ == "__main__":
    print("\n".join(f"{name}={value}" for name, value in generate().items()))
