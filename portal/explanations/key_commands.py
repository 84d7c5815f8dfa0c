"""Shell commands that lead from an upload that was refused to one that is accepted. They are not translated."""

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
# Finds the certificate that goes with the private key, wherever it stands in the file.
LEAF_ONLY = (
    "openssl pkcs12 -export -in chain.pem -inkey private.pem -passout pass: | "
    "openssl pkcs12 -passin pass: -nokeys -clcerts -out certificate.pem"
)
READ_CERTIFICATE = "openssl x509 -in certificate.pem -noout -text"
PLAIN_JSON = "jq . key.json > public.json"
# These find a key on its own, in a set, and wherever else it stands in the JSON.
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
