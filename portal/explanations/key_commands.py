"""Shell commands that turn a refused upload into one that is accepted. They are not translated."""

from __future__ import annotations

NEW_PAIR = (
    "openssl req -x509 -newkey rsa:3072 -nodes -keyout private.pem -out certificate.pem -days 730 -subj /CN=my-client"
)
NEW_EC_PAIR = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout private.pem -out certificate.pem "
    "-days 730 -subj /CN=my-client"
)
NEW_CERTIFICATE = "openssl req -x509 -key private.pem -out certificate.pem -days 730 -subj /CN=my-client"
SIGNING_CERTIFICATE = NEW_CERTIFICATE + " -addext keyUsage=critical,digitalSignature"
# Selects the certificate of the private key, at any place in the file.
LEAF_ONLY = (
    "openssl pkcs12 -export -in chain.pem -inkey private.pem -passout pass: | "
    "openssl pkcs12 -passin pass: -nokeys -clcerts -out certificate.pem"
)
READ_CERTIFICATE = "openssl x509 -in certificate.pem -noout -text"
PLAIN_JSON = "jq . key.json > public.json"
# Select a key that is alone, in a set, or anywhere else in the JSON.
BARE_KEYS = (
    "jq '{keys: [.. | objects | select(.kty) | with_entries(select(.key | "
    'IN("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")))]}\' key.json > public.json'
)
WITHOUT_X5C = "jq 'del(.. | .x5c?)' key.json > public.json"


def without(part: str, position: int) -> str:
    """Return the command that leaves out a part of the upload (the fact `leave_out`); `position` counts from 1."""
    if part == "key":
        return f"jq 'del(.keys[{position - 1}])' key.json > public.json"
    return {"issuers": LEAF_ONLY, "x5c": WITHOUT_X5C}[part]
