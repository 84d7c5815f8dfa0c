"""Every text that a refusal can show: English templates, each filled from the refusal's `params`.

This package stays free of Django, so `_` only marks the texts for extraction; who shows them passes `gettext` to
`KeyRefused.sentence`. Commands are not translated.
"""


def _(text: str) -> str:
    return text


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

# Reasons by which the contact must treat the key as leaked, whatever else is wrong with the upload.
COMPROMISING = frozenset({"private_key_material", "symmetric_key", "pkcs12", "keystore"})

_LEAKED = _("we did not store it, but treat that key as leaked: make a new pair and upload only the public half")

# reason -> (what was found, what is wanted, the command that gets there)
TEXTS: dict[str, tuple[str, str, str]] = {
    # Secrets
    "private_key_material": (_("The upload holds a private key (%(sign)s)"), _LEAKED, NEW_PAIR),
    "symmetric_key": (_("The upload holds a shared, symmetric key (%(sign)s)"), _LEAKED, NEW_PAIR),
    "pkcs12": (_("This is a PKCS#12 file (.p12 or .pfx), which also holds your private key"), _LEAKED, NEW_PAIR),
    "keystore": (_("This is a Java keystore, which also holds your private key"), _LEAKED, NEW_PAIR),
    # The upload as a whole
    "empty": (_("The upload is empty"), _("it must hold a certificate or a public JSON Web Key"), NEW_PAIR),
    "too_large": (
        _("The upload has more than %(limit)s bytes"),
        _("upload only your own certificate or public key"),
        LEAF_ONLY,
    ),
    "unknown_format": (
        _("This is neither a certificate nor a JSON Web Key"),
        _("it must be a PEM or DER certificate, or JSON that starts with {"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "certificate_not_jwk": (
        _("This is a certificate"),
        _("a JSON Web Key is wanted here, so upload this file as a certificate"),
        READ_CERTIFICATE,
    ),
    "jwk_not_certificate": (
        _("This is JSON"),
        _("a certificate is wanted here, so upload this file as a JSON Web Key, or make a certificate for its key"),
        NEW_CERTIFICATE,
    ),
    "utf16": (_("The text is in UTF-16"), _("it must be in UTF-8"), "iconv -f UTF-16 -t UTF-8 key.txt > key-utf8.txt"),
    "html": (
        _("This is a web page or XML"),
        _("it must be the certificate or JSON Web Key itself"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "pkcs7": (
        _("This is a PKCS#7 file (.p7b or .p7c)"),
        _("it must be converted to PEM, with your own certificate first"),
        "openssl pkcs7 -in client.p7b -inform %(form)s -print_certs -out certificate.pem",
    ),
    "certificate_request": (
        _("This is a certificate signing request"),
        _("upload the certificate that was made from it"),
        "openssl x509 -req -in request.csr -inform %(form)s -signkey private.pem -days 730 -out certificate.pem",
    ),
    "trusted_certificate": (
        _("This is a certificate in the TRUSTED format of OpenSSL"),
        _("it must be an ordinary PEM certificate"),
        "openssl x509 -in trusted.pem -out certificate.pem",
    ),
    "public_key": (
        _("This is a bare public key"),
        _("it must be wrapped in a certificate or a JSON Web Key"),
        NEW_CERTIFICATE,
    ),
    "ssh_public_key": (
        _("This is an SSH public key"),
        _("SSH keys are for people, so make a pair for your client and upload its certificate"),
        NEW_PAIR,
    ),
    "pgp_key": (_("This is a PGP key"), _("it must be a certificate or a JSON Web Key"), NEW_PAIR),
    # JSON (RFC 8259, and I-JSON's rule on duplicates)
    "not_utf8": (
        _("The text is not UTF-8 (byte %(offset)s)"),
        _("JSON must be in UTF-8"),
        "iconv -f WINDOWS-1252 -t UTF-8 key.json > public.json",
    ),
    "not_json": (
        _("The text is not valid JSON (line %(line)s, column %(column)s)"),
        _("a JSON Web Key is one JSON object"),
        "python3 -m json.tool key.json",
    ),
    "bad_number": (_("The JSON holds the number %(number)s"), _("a public key needs no such number"), BARE_KEYS),
    "duplicate_member": (_("The JSON has the member %(member)s twice"), _("each may appear only once"), PLAIN_JSON),
    "too_deep": (
        _("The JSON is nested more than %(limit)s levels deep"),
        _("a JSON Web Key is one flat object"),
        BARE_KEYS,
    ),
    "not_an_object": (
        _("The JSON is no object"),
        _("a JSON Web Key is one object with a kty, a set is one object with keys"),
        BARE_KEYS,
    ),
    "wrong_key_count": (
        _("The set holds %(count)s keys"),
        _("its keys must be a list of 1 to %(limit)s JSON Web Keys"),
        "jq '{keys: .keys[:10]}' key.json > public.json",
    ),
    "duplicate_kid": (
        _("Two keys of the set have the kid %(kid)s"),
        _("each key must have its own"),
        "jq '.keys |= map(del(.kid))' key.json > public.json",
    ),
    "duplicate_key": (
        _("The set holds the same key twice"),
        _("each key may appear only once"),
        "jq '.keys |= unique_by(.n, .x)' key.json > public.json",
    ),
    # JSON Web Keys (RFC 7517, 7518 section 6, 8037)
    "missing_member": (
        _("The JSON Web Key has no %(member)s"),
        _("it must have the members %(members)s"),
        NEW_CERTIFICATE,
    ),
    "not_a_string": (_("The member %(member)s is no text"), _("it must be a JSON string"), NEW_CERTIFICATE),
    "not_base64url": (
        _("The member %(member)s is not base64url"),
        _("it must hold only A-Z a-z 0-9 - _ and no padding, white space or spare bits"),
        "tr '+/' '-_' < key.json | tr -d '=' > public.json",
    ),
    "wrong_length": (
        _("The member %(member)s holds %(length)s bytes"),
        _("for %(crv)s it must hold exactly %(wanted)s"),
        NEW_CERTIFICATE,
    ),
    "leading_zero": (
        _("The member %(member)s starts with a zero byte or is empty"),
        _("the number must have its shortest form"),
        NEW_CERTIFICATE,
    ),
    "malformed_kid": (
        _("The kid cannot be used"),
        _("it must be text of 1 to %(limit)s printable characters"),
        "jq '(.. | select(.kty?)).kid = \"my-key-1\"' key.json > public.json",
    ),
    "unsupported_kty": (_("The key type (kty) is %(kty)s"), _("it must be RSA, EC or OKP"), NEW_PAIR),
    "unsupported_curve": (_("The curve (crv) is %(crv)s"), _("it must be P-256, P-384, P-521 or Ed25519"), NEW_EC_PAIR),
    "key_agreement_key": (
        _("A key for %(crv)s can only agree on keys, not sign"),
        _("use Ed25519, P-256 or RSA"),
        NEW_EC_PAIR,
    ),
    "wrong_use": (_("The use of the key is %(use)s"), _("it must be sig, or left out"), NEW_PAIR),
    "malformed_key_ops": (
        _("The key_ops is no list of different texts"),
        _("it must contain verify, or be left out"),
        "jq 'del(.. | .key_ops?)' key.json > public.json",
    ),
    "wrong_key_ops": (_("The key_ops do not contain verify"), _("the key must be meant for signatures"), NEW_PAIR),
    "wrong_alg": (
        _("The alg is %(alg)s"),
        _("for %(description)s it must be one of %(algorithms)s, or left out"),
        "jq 'del(.. | .alg?)' key.json > public.json",
    ),
    "malformed_x5c": (
        _("The x5c cannot be read"),
        _("it must be a list of 1 to %(limit)s certificates, each the plain base64 of its DER"),
        WITHOUT_X5C,
    ),
    "x5c_mismatch": (
        _("The certificate in x5c is for another key"),
        _("its public key must be the one of the JSON Web Key"),
        WITHOUT_X5C,
    ),
    "x5t_mismatch": (
        _("The %(member)s is not the thumbprint of the certificate in x5c"),
        _("it must fit, or be left out"),
        "jq 'del(.. | .x5t?, .\"x5t#S256\"?)' key.json > public.json",
    ),
    # The mathematics of keys
    "rsa_too_small": (_("The RSA key has %(bits)s bits"), _("it must have 2048 to 8192"), NEW_PAIR),
    "rsa_too_large": (_("The RSA key has more than 8192 bits"), _("it must have 2048 to 8192"), NEW_PAIR),
    "rsa_bad_exponent": (
        _("The public exponent of the RSA key has %(bits)s bits, or is even"),
        _("it must be odd, 65537 or more, and below 2^256 (below 2^64 for a key of over 3072 bits)"),
        NEW_PAIR,
    ),
    "weak_rsa": (
        _("The RSA modulus is divisible by %(factor)s"),
        _("it must be the product of two large primes"),
        NEW_PAIR,
    ),
    "prime_modulus": (
        _("The RSA modulus is itself a prime, so anybody can compute the private key"),
        _("it must be the product of two large primes"),
        NEW_PAIR,
    ),
    "close_primes": (
        _("The two primes of the RSA key are so close that anybody can find them"),
        _("the key must come from a sound generator"),
        NEW_PAIR,
    ),
    "roca": (
        _("The RSA key comes from a chip with a broken generator (ROCA, CVE-2017-15361)"),
        _("make the key in software or on another chip"),
        NEW_PAIR,
    ),
    "point_not_on_curve": (
        _("The public key is no point of the curve %(crv)s"),
        _("its coordinates must be a point of that curve"),
        NEW_EC_PAIR,
    ),
    "small_order_point": (
        _("The Ed25519 key is one of the points for which anybody can forge signatures"),
        _("the key must come from a sound generator"),
        NEW_EC_PAIR,
    ),
    # Certificates (RFC 5280)
    "malformed_certificate": (
        _("The certificate is damaged or cut off"),
        _("it must be whole, as PEM or DER"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "too_many_certificates": (_("The upload holds %(count)s certificates"), _("at most %(limit)s are read"), LEAF_ONLY),
    "expired": (_("The certificate expired on %(not_after)s"), _("it must be valid now"), NEW_CERTIFICATE),
    "not_yet_valid": (
        _("The certificate is valid only from %(not_before)s"),
        _("it must be valid now"),
        NEW_CERTIFICATE,
    ),
    "weak_signature": (
        _("The certificate is signed with %(algorithm)s"),
        _("it must be signed with SHA-2 or EdDSA"),
        NEW_CERTIFICATE + " -sha256",
    ),
    "bad_signature": (
        _("The certificate says that it signed itself, but its signature is wrong"),
        _("it must verify with its own key"),
        NEW_CERTIFICATE,
    ),
    "broken_chain": (
        _("The certificate was not signed by the one that follows it"),
        _("the chain must start with your own certificate and go on with its issuer"),
        LEAF_ONLY,
    ),
    "issuer_not_ca": (
        _("The certificate may not issue others, but the one before it names it as issuer"),
        _("the chain must go on with certificates of authorities (CA:TRUE)"),
        LEAF_ONLY,
    ),
    "bad_serial": (
        _("The serial number of the certificate is zero, negative or longer than 20 bytes"),
        _("it must be a positive number"),
        NEW_CERTIFICATE,
    ),
    "unsupported_key": (
        _("The key type or curve of the certificate (%(algorithm)s) is not supported"),
        _("it must be RSA, EC (P-256, P-384, P-521) or Ed25519"),
        NEW_PAIR,
    ),
    "explicit_curve_params": (
        _("The certificate spells its curve out in numbers"),
        _("it must name P-256, P-384 or P-521"),
        NEW_EC_PAIR,
    ),
    "compressed_point": (
        _("The certificate has its elliptic curve point in a short form (compressed or hybrid)"),
        _("the point must be uncompressed"),
        NEW_EC_PAIR,
    ),
    "unknown_critical_extension": (
        _("The certificate has the critical extension %(oid)s, which is unknown here"),
        _("all critical extensions must be known ones"),
        NEW_CERTIFICATE,
    ),
    "duplicate_extension": (
        _("The certificate has an extension twice"),
        _("each may appear only once"),
        NEW_CERTIFICATE,
    ),
    "malformed_extension": (
        _("The certificate has an extension that cannot be read"),
        _("all its extensions must be well-formed"),
        NEW_CERTIFICATE,
    ),
    "wrong_key_usage": (
        _("The keyUsage of the certificate does not allow digital signatures"),
        _("it must contain digitalSignature, or be absent"),
        SIGNING_CERTIFICATE,
    ),
}

# Remarks on a key that was accepted.
MANY_CERTIFICATES = _("The upload held several certificates. We took the first, yours; the others are of its issuers.")
X5U_IGNORED = _("The address (x5u or jku) in the key was left out. We never fetch keys from an address.")
X5T_IGNORED = _("The certificate thumbprint (x5t) was left out, because the key came without its certificate (x5c).")

SENTENCE = _("%(found)s; %(wanted)s.")
AT_POSITION = _("Number %(position)s: %(sentence)s")
