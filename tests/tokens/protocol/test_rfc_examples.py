"""PROTOCOL A-8 and A-9: the signatures of RFC 7515, 7520 and 8037 in the reader and the checks of assertions.

Their payloads are no client assertions, and most are not even JSON: so each test goes as far as its example can.
"""

from __future__ import annotations

import base64
import json

import pytest

from tests.tokens.support.checking import policy
from tokens.protocol import assertion, jws
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.jws import Jws

# RFC 7515 appendix A.2.1, A.3.1 and A.4.1; RFC 7520 sections 3.4 and 3.1; RFC 8037 appendix A.2. The public members.
A2_KEY = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS"
    "-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH"
    "g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FR"
    "WyuXpoQ",
    "e": "AQAB",
}
A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
A4_KEY = {
    "kty": "EC",
    "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
}
BILBO_RSA = {
    "kty": "RSA",
    "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wq"
    "VwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde"
    "3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gH"
    "drNP5zw",
    "e": "AQAB",
}
BILBO_EC = {
    "kty": "EC",
    "crv": "P-521",
    "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
    "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
}
A_2_OKP = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

JOE = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
JOE_EXPIRES = 1_300_819_380
RS256 = (
    f"eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8"
    "W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_e"
    "SN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmt"
    "VrBp0igcN_IoypGlUPQGe77Rw"
)
ES256 = (
    f"eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
ES512 = (
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw"
    "_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
EDDSA = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iy"
    "lGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
# RFC 7520 section 4, figure 7.
DANGEROUS = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGl"
    "mIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)
BILBO = "ImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9"
SECTION_4_1 = (
    f"eyJhbGciOiJSUzI1NiIs{BILBO}.{DANGEROUS}.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mw"
    "zJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt"
    "9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41"
    "Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
)
SECTION_4_2 = (
    f"eyJhbGciOiJQUzM4NCIs{BILBO}.{DANGEROUS}.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6Vrkl"
    "HkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_"
    "ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcb"
    "H510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
)
SECTION_4_3 = (
    f"eyJhbGciOiJFUzUxMiIs{BILBO}.{DANGEROUS}.AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoN"
    "EuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"
)


def key_of(jwk: dict[str, str]) -> ClientKey:
    algorithms = frozenset({"RS256", "PS384", "ES256", "ES512", "EdDSA"})
    return ClientKey(credential="", kid="", names=frozenset(), algorithms=algorithms, jwk=jwk)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "==")


@pytest.mark.parametrize(("jwk", "example"), [(A2_KEY, RS256), (A3_KEY, ES256)], ids=["A.2", "A.3"])
def test_joes_token_of_rfc_7515_lacks_only_what_makes_it_an_assertion(jwk: dict[str, str], example: str) -> None:
    read = jws.read(example)
    assert read.claims == {"iss": "joe", "exp": JOE_EXPIRES, "http://example.com/is_root": True}
    found = assertion.explain(read, client_id="joe", keys=[key_of(jwk)], policy=policy(), now=JOE_EXPIRES - 1)
    assert [finding.rule for finding in found] == [Rule.SUBJECT, Rule.AUDIENCE, Rule.JTI]
    late = assertion.explain(read, client_id="joe", keys=[key_of(jwk)], policy=policy(), now=JOE_EXPIRES)
    assert Rule.EXPIRED in [finding.rule for finding in late]


EXAMPLES = {
    "RFC 7515 A.2 RS256": (A2_KEY, RS256),
    "RFC 7515 A.3 ES256": (A3_KEY, ES256),
    "RFC 7515 A.4 ES512": (A4_KEY, ES512),
    "RFC 7520 4.1 RS256": (BILBO_RSA, SECTION_4_1),
    "RFC 7520 4.2 PS384": (BILBO_RSA, SECTION_4_2),
    "RFC 7520 4.3 ES512": (BILBO_EC, SECTION_4_3),
    "RFC 8037 A.4 EdDSA": (A_2_OKP, EDDSA),
}


@pytest.mark.parametrize(("jwk", "example"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_signature_is_good_and_every_change_to_it_is_noticed(jwk: dict[str, str], example: str) -> None:
    header, payload, signature = example.split(".")
    made = Jws(json.loads(decoded(header)), {}, f"{header}.{payload}".encode(), decoded(signature))
    key = key_of(jwk).imported
    assert made.is_signed_by(key)
    for broken in (
        Jws(made.header, {}, made.signing_input + b"A", made.signature),
        Jws(made.header, {}, made.signing_input, bytes([made.signature[0] ^ 1]) + made.signature[1:]),
        Jws(made.header, {}, made.signing_input, made.signature[:-1]),
        Jws(made.header, {}, made.signing_input, made.signature + b"\0"),
        Jws(made.header, {}, made.signing_input, b""),
    ):
        assert not broken.is_signed_by(key)


@pytest.mark.parametrize("example", [ES512, SECTION_4_1, SECTION_4_2, SECTION_4_3, EDDSA])
def test_a_payload_that_is_no_json_object_is_no_assertion(example: str) -> None:
    with pytest.raises(InvalidClient) as caught:
        jws.read(example)
    assert caught.value.rule is Rule.ASSERTION_FORM


def test_the_mac_and_the_unsecured_jws_of_rfc_7515_are_refused() -> None:
    mac = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    unsecured = f"eyJhbGciOiJub25lIn0.{JOE}."
    for example in (mac, unsecured):
        with pytest.raises(InvalidClient) as caught:
            assertion.verify(
                jws.read(example), client_id="joe", keys=[key_of(A3_KEY)], policy=policy(), now=JOE_EXPIRES - 1
            )
        assert caught.value.rule is Rule.ALGORITHM


def test_a_jwe_like_that_of_rfc_7516_appendix_a_1_is_refused_unread() -> None:
    example = (
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03"
    )
    with pytest.raises(InvalidClient) as caught:
        jws.read(
            f"{example}.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodet"
        )
    assert caught.value.rule is Rule.ASSERTION_ENCRYPTED
