"""PROTOCOL K-26: the examples of RFC 7515, 7517, 7638 and 8037, as far as they are about keys."""

import json
from datetime import UTC, datetime

import pytest

from clients.keymaterial import thumbprint
from tests.clients.keymaterial.support.making import accepted, refused

# RFC 7517 appendix A.1, second key; RFC 7638 section 3.1 uses the same.
RSA_KEY: dict[str, object] = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
    "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
    "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
    "KnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
# RFC 7517 appendix A.1, first key.
ENCRYPTION_KEY: dict[str, object] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "enc",
    "kid": "1",
}
# RFC 7515 appendix A.3.1, the public members.
SIGNATURE_KEY: dict[str, object] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
# RFC 7517 appendix B.
CERTIFIED_KEY: dict[str, object] = {
    "kty": "RSA",
    "use": "sig",
    "kid": "1b94c",
    "n": "vrjOfz9Ccdgx5nQudyhdoR17V-IubWMeOZCwX_jj0hgAsz2J_pqYW08PLbK_PdiVGKPrqzmDIsLI7sA25VEnHU1uCLNwBuUiCO11_-7dYbsr4"
    "iJmG0Qu2j8DsVyT1azpJC_NG84Ty5KKthuCaPod7iI7w0LK9orSMhBEwwZDCxTWq4aYWAchc8t-emd9qOvWtVMDC2BXksRngh6X5bUYLy6AyHKvj-"
    "nUy1wgzjYQDwHMTplCoLtU-o-8SNnZ1tmRoGE9uJkBLdh5gFENabWnU5m1ZqZPdwS-qo-meMvVfJb6jJVWRpl2SUtCnYG2C32qvbWbjZ_jBPD5eun"
    "qsIo1vQ",
    "e": "AQAB",
    "x5c": [
        "MIIDQjCCAiqgAwIBAgIGATz/FuLiMA0GCSqGSIb3DQEBBQUAMGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMR"
        "wwGgYDVQQKExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQYDVQQDEw5CcmlhbiBDYW1wYmVsbDAeFw0xMzAyMjEyMzI5MTVaFw0xODA4MTQyMjI5"
        "MTVaMGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMRwwGgYDVQQKExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQ"
        "YDVQQDEw5CcmlhbiBDYW1wYmVsbDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAL64zn8/QnHYMeZ0LncoXaEde1fiLm1jHjmQsF/4"
        "49IYALM9if6amFtPDy2yvz3YlRij66s5gyLCyO7ANuVRJx1NbgizcAblIgjtdf/u3WG7K+IiZhtELto/A7Fck9Ws6SQvzRvOE8uSirYbgmj6He"
        "4iO8NCyvaK0jIQRMMGQwsU1quGmFgHIXPLfnpnfajr1rVTAwtgV5LEZ4Iel+W1GC8ugMhyr4/p1MtcIM42EA8BzE6ZQqC7VPqPvEjZ2dbZkaBh"
        "PbiZAS3YeYBRDWm1p1OZtWamT3cEvqqPpnjL1XyW+oyVVkaZdklLQp2Btgt9qr21m42f4wTw+Xrp6rCKNb0CAwEAATANBgkqhkiG9w0BAQUFAA"
        "OCAQEAh8zGlfSlcI0o3rYDPBB07aXNswb4ECNIKG0CETTUxmXl9KUL+9gGlqCz5iWLOgWsnrcKcY0vXPG9J1r9AqBNTqNgHq2G03X09266X5Cp"
        "Oe1zFo+Owb1zxtp3PehFdfQJ610CDLEaS9V9Rqp17hCyybEpOGVwe8fnk+fbEL2Bo3UPGrpsHzUoaGpDftmWssZkhpBJKVMJyf/RuP2SmmaIzm"
        "nw9JiSlYhzo4tpzd5rFXhjRbg4zW9C+2qok+2+qDM1iJ684gPHMIY8aLWrdgQTxkumGmTqgawR+N5MDtdPTEQ0XfIBc2cJEUyMTY5MPvACWpkA"
        "6SdS4xSvdXK3IVfOWA=="
    ],
}
# RFC 8037 appendix A.2.
ED25519_KEY: dict[str, object] = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1() -> None:
    key = accepted(RSA_KEY)
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert key.kid == "2011-04-29"
    assert key.algorithms == ("RS256",)
    assert thumbprint(key.jwk) == key.thumbprint


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    key = accepted(ED25519_KEY)
    assert key.kid == key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert (key.description, key.algorithms) == ("Ed25519", ("Ed25519", "EdDSA"))


def test_the_private_ed25519_key_of_rfc_8037_appendix_a_1_is_refused() -> None:
    private = ED25519_KEY | {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
    assert refused(private).code == "private_key_material"


def test_the_x25519_key_of_rfc_8037_appendix_a_6_cannot_sign() -> None:
    key = {"kty": "OKP", "crv": "X25519", "kid": "Bob", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
    assert refused(key).code == "key_agreement_key"


def test_the_encryption_key_of_rfc_7517_appendix_a_1_refuses_its_set() -> None:
    refusal = refused({"keys": [RSA_KEY, ENCRYPTION_KEY]})
    assert (refusal.code, refusal.facts["position"]) == ("wrong_use", 2)


def test_the_symmetric_keys_of_rfc_7517_appendix_a_3_are_refused() -> None:
    refusal = refused(
        {
            "keys": [
                {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"},
                {
                    "kty": "oct",
                    "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
                    "kid": "HMAC key used in JWS spec Appendix A.1 example",
                },
            ]
        }
    )
    assert refusal.code == "symmetric_key"
    assert refusal.compromised


def test_the_key_of_rfc_7515_appendix_a_3_is_accepted_when_public() -> None:
    assert accepted(SIGNATURE_KEY).algorithms == ("ES256",)
    private = SIGNATURE_KEY | {"d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
    assert refused(private).code == "private_key_material"


@pytest.mark.parametrize(("year", "reason"), [(2012, "not_yet_valid"), (2015, "weak_signature"), (2026, "expired")])
def test_the_certificate_of_rfc_7517_appendix_b_is_too_old(year: int, reason: str) -> None:
    assert refused(CERTIFIED_KEY, now=datetime(year, 6, 1, tzinfo=UTC)).code == reason
    bare = {name: value for name, value in CERTIFIED_KEY.items() if name != "x5c"}
    assert accepted(json.dumps(bare).encode()).kid == "1b94c"
