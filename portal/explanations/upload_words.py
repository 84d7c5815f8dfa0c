"""The words for each code by which an upload or a JSON Web Key is refused (clients.keymaterial.KeyRefused)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portal.explanations.words import Text

# Shell commands that turn a refused upload into one that is accepted. They are not translated.
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


@dataclass(frozen=True)
class KeyWords:
    """The finding, what is wanted, and the shell command that gets there; all three may name facts."""

    found: Text
    wanted: Text
    command: str


LEAKED = _("we did not store it, but treat that key as leaked: make a new pair and upload only the public half")

OF_UPLOADS: dict[str, KeyWords] = {
    # Secrets
    "private_key_material": KeyWords(_("The upload holds a private key (%(sign)s)"), LEAKED, NEW_PAIR),
    "symmetric_key": KeyWords(_("The upload holds a shared, symmetric key (%(sign)s)"), LEAKED, NEW_PAIR),
    "pkcs12": KeyWords(_("This is a PKCS#12 file (.p12 or .pfx), which also holds your private key"), LEAKED, NEW_PAIR),
    "keystore": KeyWords(_("This is a Java keystore, which also holds your private key"), LEAKED, NEW_PAIR),
    # The upload as a whole
    "empty": KeyWords(_("The upload is empty"), _("it must hold a certificate or a public JSON Web Key"), NEW_PAIR),
    "too_large": KeyWords(
        _("The upload has more than %(limit)s bytes"),
        _("upload only your own certificate or public key"),
        LEAF_ONLY,
    ),
    "unknown_format": KeyWords(
        _("This is neither a certificate nor a JSON Web Key"),
        _("it must be a PEM or DER certificate, or JSON that starts with {"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "certificate_not_jwk": KeyWords(
        _("This is a certificate"),
        _("a JSON Web Key is wanted here, so upload this file as a certificate"),
        READ_CERTIFICATE,
    ),
    "jwk_not_certificate": KeyWords(
        _("This is JSON"),
        _("a certificate is wanted here, so upload this file as a JSON Web Key, or make a certificate for its key"),
        NEW_CERTIFICATE,
    ),
    "utf16": KeyWords(
        _("The text is in UTF-16"), _("it must be in UTF-8"), "iconv -f UTF-16 -t UTF-8 key.txt > key-utf8.txt"
    ),
    "html": KeyWords(
        _("This is a web page or XML"),
        _("it must be the certificate or JSON Web Key itself"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "pkcs7": KeyWords(
        _("This is a PKCS#7 file (.p7b or .p7c)"),
        _("it must be converted to PEM, with your own certificate first"),
        "openssl pkcs7 -in client.p7b -inform %(form)s -print_certs -out certificate.pem",
    ),
    "certificate_request": KeyWords(
        _("This is a certificate signing request"),
        _("upload the certificate that was made from it"),
        "openssl x509 -req -in request.csr -inform %(form)s -signkey private.pem -days 730 -out certificate.pem",
    ),
    "trusted_certificate": KeyWords(
        _("This is a certificate in the TRUSTED format of OpenSSL"),
        _("it must be an ordinary PEM certificate"),
        "openssl x509 -in trusted.pem -out certificate.pem",
    ),
    "public_key": KeyWords(
        _("This is a public key on its own"),
        _("it must be in a certificate or a JSON Web Key"),
        NEW_CERTIFICATE,
    ),
    "ssh_public_key": KeyWords(
        _("This is an SSH public key"),
        _("SSH keys are for people, so make a pair for your client and upload its certificate"),
        NEW_PAIR,
    ),
    "pgp_key": KeyWords(_("This is a PGP key"), _("it must be a certificate or a JSON Web Key"), NEW_PAIR),
    # JSON (RFC 8259, and I-JSON's rule on duplicates)
    "not_utf8": KeyWords(
        _("The text is not UTF-8 (byte %(offset)s)"),
        _("JSON must be in UTF-8"),
        "iconv -f WINDOWS-1252 -t UTF-8 key.json > public.json",
    ),
    "not_json": KeyWords(
        _("The text is not valid JSON (line %(line)s, column %(column)s)"),
        _("a JSON Web Key is one JSON object"),
        "python3 -m json.tool key.json",
    ),
    "bad_number": KeyWords(
        _("The JSON holds the number %(number)s"), _("a public key needs no such number"), BARE_KEYS
    ),
    "duplicate_member": KeyWords(
        _("The JSON has the member %(member)s twice"), _("each may appear only once"), PLAIN_JSON
    ),
    "too_deep": KeyWords(
        _("The JSON is nested more than %(limit)s levels deep"),
        _("a JSON Web Key is one flat object"),
        BARE_KEYS,
    ),
    "not_an_object": KeyWords(
        _("The JSON is no object"),
        _("a JSON Web Key is one object with a kty, a set is one object with keys"),
        BARE_KEYS,
    ),
    "wrong_key_count": KeyWords(
        _("The set holds %(count)s keys"),
        _("its keys must be a list of 1 to %(limit)s JSON Web Keys"),
        "jq '{keys: .keys[:10]}' key.json > public.json",
    ),
    "duplicate_kid": KeyWords(
        _("Two keys of the set have the kid %(kid)s"),
        _("each key must have its own"),
        "jq '.keys |= map(del(.kid))' key.json > public.json",
    ),
    "duplicate_key": KeyWords(
        _("The set holds the same key twice"),
        _("each key may appear only once"),
        "jq '.keys |= unique_by(.n, .x)' key.json > public.json",
    ),
    # JSON Web Keys (RFC 7517, 7518 section 6, 8037)
    "missing_member": KeyWords(
        _("The JSON Web Key has no %(member)s"),
        _("it must have the members %(members)s"),
        NEW_CERTIFICATE,
    ),
    "not_a_string": KeyWords(_("The member %(member)s is no text"), _("it must be a JSON string"), NEW_CERTIFICATE),
    "not_base64url": KeyWords(
        _("The member %(member)s is not base64url"),
        _("it must hold only A-Z a-z 0-9 - _ and no padding, white space or spare bits"),
        "tr '+/' '-_' < key.json | tr -d '=' > public.json",
    ),
    "wrong_length": KeyWords(
        _("The member %(member)s holds %(length)s bytes"),
        _("for %(crv)s it must hold exactly %(wanted)s"),
        NEW_CERTIFICATE,
    ),
    "leading_zero": KeyWords(
        _("The member %(member)s starts with a zero byte or is empty"),
        _("the number must have its shortest form"),
        NEW_CERTIFICATE,
    ),
    "malformed_kid": KeyWords(
        _("The kid cannot be used"),
        _("it must be text of 1 to %(limit)s printable characters"),
        "jq '(.. | select(.kty?)).kid = \"my-key-1\"' key.json > public.json",
    ),
    "unsupported_kty": KeyWords(_("The key type (kty) is %(kty)s"), _("it must be RSA, EC or OKP"), NEW_PAIR),
    "unsupported_curve": KeyWords(
        _("The curve (crv) is %(crv)s"), _("it must be P-256, P-384, P-521 or Ed25519"), NEW_EC_PAIR
    ),
    "key_agreement_key": KeyWords(
        _("A key for %(crv)s is for key agreement, not for signing"),
        _("use Ed25519, P-256 or RSA"),
        NEW_EC_PAIR,
    ),
    "wrong_use": KeyWords(_("The use of the key is %(use)s"), _("it must be sig, or left out"), NEW_PAIR),
    "malformed_key_ops": KeyWords(
        _("The key_ops is no list of different texts"),
        _("it must contain verify, or be left out"),
        "jq 'del(.. | .key_ops?)' key.json > public.json",
    ),
    "wrong_key_ops": KeyWords(
        _("The key_ops do not contain verify"), _("the key must be meant for signatures"), NEW_PAIR
    ),
    "wrong_alg": KeyWords(
        _("The alg is %(alg)s"),
        _("for %(description)s it must be %(algorithms)s, or left out"),
        "jq 'del(.. | .alg?)' key.json > public.json",
    ),
    "malformed_x5c": KeyWords(
        _("The x5c cannot be read"),
        _("it must be a list of 1 to %(limit)s certificates, each the plain base64 of its DER"),
        WITHOUT_X5C,
    ),
    "x5c_mismatch": KeyWords(
        _("The certificate in x5c is for another key"),
        _("its public key must be the one of the JSON Web Key"),
        WITHOUT_X5C,
    ),
    "x5t_mismatch": KeyWords(
        _("The %(member)s is not the thumbprint of the certificate in x5c"),
        _("it must fit, or be left out"),
        "jq 'del(.. | .x5t?, .\"x5t#S256\"?)' key.json > public.json",
    ),
}


def without(part: str, position: int) -> str:
    """Return the command that leaves out a part of the upload (the fact `leave_out`); `position` counts from 1."""
    if part == "key":
        return f"jq 'del(.keys[{position - 1}])' key.json > public.json"
    return {"issuers": LEAF_ONLY, "x5c": WITHOUT_X5C}[part]
