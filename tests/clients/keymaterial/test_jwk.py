"""PROTOCOL K-26: JSON Web Keys and sets."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from clients import keymaterial
from clients.keymaterial.encoding import base64url_encode
from portal.explanations.keys import explain_key
from tests.clients.keymaterial.support.making import (
    NOW,
    accepted,
    chain,
    der,
    ec_jwk,
    ec_key,
    ed_jwk,
    refused,
    rsa_jwk,
)
from tests.clients.keymaterial.support.making import certificate as make_certificate
from tests.clients.keymaterial.support.x5c import x5c, x5t, x5t_s256


def test_only_known_public_members_are_kept() -> None:
    key = accepted(ec_jwk(use="sig", alg="ES256", key_ops=["verify"], ext=True, iat=1, comment="<script>", kid="mine"))
    assert key.jwk == ec_jwk(use="sig", alg="ES256", key_ops=["verify"], kid="mine")
    assert (key.kind, key.kid, key.description, key.certificate) == ("jwk", "mine", "EC P-256", None)


def test_a_key_without_kid_is_named_by_its_thumbprint() -> None:
    key = accepted(ec_jwk())
    assert key.kid == key.jwk["kid"] == key.thumbprint
    assert keymaterial.accepted_names(key.jwk) == {key.thumbprint}


def test_a_key_with_a_kid_is_known_by_its_thumbprint_too() -> None:
    key = accepted(rsa_jwk(kid="payroll 2026"))
    assert keymaterial.accepted_names(key.jwk) == {"payroll 2026", key.thumbprint}


def test_what_a_stored_key_says_is_read_back_as_the_same_key() -> None:
    for jwk in (ec_jwk(alg="ES256"), ed_jwk(use="sig"), rsa_jwk(key_ops=["verify"]), ec_jwk(x5c=x5c(certificate()))):
        key = accepted(jwk)
        assert accepted(dict(key.jwk)) == key


@pytest.mark.parametrize(
    ("alg", "algorithms"), [(None, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")), ("PS384", ("PS384",))]
)
def test_the_algorithms_of_an_rsa_key_are_narrowed_by_its_alg(alg: str | None, algorithms: tuple[str, ...]) -> None:
    assert accepted(rsa_jwk() | ({"alg": alg} if alg else {})).algorithms == algorithms


@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA"])
def test_both_names_of_ed25519_are_accepted_whichever_the_key_has(alg: str) -> None:
    """Browsers and newer libraries write the one (RFC 9864), older libraries the other."""
    key = accepted(ed_jwk(alg=alg, key_ops=["verify"], ext=True))
    assert (key.algorithms, key.jwk["alg"]) == (("Ed25519", "EdDSA"), alg)


@pytest.mark.parametrize(
    "alg", ["HS256", "none", "ES384", "RS256", "ES256K", "es256", "Ed25519", "", None, 1, ["ES256"]]
)
def test_an_alg_that_does_not_fit_is_refused(alg: object) -> None:
    assert refused(ec_jwk(alg=alg)).code == "wrong_alg"


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"])
@pytest.mark.parametrize("value", ["AAECAwQFBgcICQoLDA0ODw", "", None, 0, [], {}])
def test_any_private_member_refuses_the_key_as_leaked(name: str, value: object) -> None:
    refusal = refused(rsa_jwk() | {name: value})
    assert (refusal.code, refusal.compromised) == ("private_key_material", True)
    assert name in refusal.facts["sign"]


@pytest.mark.parametrize("jwk", [{"kty": "oct", "k": "AAEC"}, {"kty": "oct", "k": ""}, ec_jwk(k="AAEC")])
def test_a_symmetric_key_is_refused_as_leaked(jwk: dict[str, object]) -> None:
    refusal = refused(jwk)
    assert (refusal.code, refusal.compromised) == ("symmetric_key", True)


def test_a_symmetric_key_is_found_behind_escapes() -> None:
    assert refused(b'{"kty": "oct", "\\u006b": "AAEC"}').code == "symmetric_key"


def test_a_private_member_is_found_in_escapes_sets_and_broken_json() -> None:
    private = ec_jwk(d="AAECAwQFBgcICQoLDA0ODw")
    for data in (
        json.dumps(private).replace('"d"', '"\\u0064"'),
        json.dumps({"keys": [ec_jwk("b"), private]}),
        json.dumps({"keys": [ec_jwk(use="enc"), private]}),
        json.dumps({"jwk": private}),
        json.dumps(private)[:-1],
        json.dumps(private) + json.dumps(private),
        json.dumps(private)[:-1] + ', "d": "AAECAwQFBgcICQoLDA0ODw"}',
        json.dumps(private) + " " * 20_000,
        json.dumps(private) + " " * 70_000,
        str(private),
        "const key = {kty: 'EC', d: 'AAECAwQFBgcICQoLDA0ODw'}",
        json.dumps(json.dumps(private)),
        json.dumps({"secret": json.dumps({"jwk": json.dumps(private)})}),
        json.dumps(private).replace('"', "\u201d"),
        "keys:\n  - kty: EC\n    d: AAECAwQFBgcICQoLDA0ODw\n",
    ):
        assert refused(data.encode()).code == "private_key_material", data[:300]


@pytest.mark.parametrize("use", ["enc", "SIG", "", None, 1, ["sig"]])
def test_a_use_other_than_sig_is_refused(use: object) -> None:
    assert refused(ec_jwk(use=use)).code == "wrong_use"


@pytest.mark.parametrize(
    ("key_ops", "reason"),
    [
        (["encrypt"], "wrong_key_ops"),
        (["sign"], "wrong_key_ops"),
        ([], "wrong_key_ops"),
        ("verify", "malformed_key_ops"),
        (None, "malformed_key_ops"),
        (["verify", "verify"], "malformed_key_ops"),
        (["verify", ["x"]], "malformed_key_ops"),
    ],
)
def test_key_ops_must_be_a_list_of_different_texts_with_verify(key_ops: object, reason: str) -> None:
    assert refused(ec_jwk(key_ops=key_ops)).code == reason


def test_key_ops_with_more_than_verify_are_accepted_and_reduced_to_it() -> None:
    assert accepted(ec_jwk(key_ops=["sign", "verify", "x-own"])).jwk["key_ops"] == ["verify"]


@pytest.mark.parametrize(
    "kid", ["", " " * 0, "a" * 256, "a\nb", "a\0b", "a\u202eb", "a\ud800b", "a\u2028b", None, 1, ["a"]]
)
def test_a_kid_that_could_forge_a_line_or_hide_itself_is_refused(kid: object) -> None:
    assert refused(ec_jwk(kid=kid)).code == "malformed_kid"


def test_a_kid_that_only_looks_like_a_private_member_alarms_nobody() -> None:
    assert accepted(ec_jwk(kid="urn:d:AAECAwQFBgcICQoLDA0ODw"))


def test_a_long_kid_with_spaces_and_accents_is_accepted() -> None:
    assert accepted(ec_jwk(kid="clé n° 1 " + "a" * 246)).kid == "clé n° 1 " + "a" * 246


@pytest.mark.parametrize("name", ["kty", "crv", "x", "y"])
def test_a_missing_member_is_named(name: str) -> None:
    jwk = ec_jwk()
    del jwk[name]
    refusal = refused(jwk)
    assert (refusal.code, refusal.facts["member"]) == ("missing_member", name)


@pytest.mark.parametrize("name", ["crv", "x", "y"])
@pytest.mark.parametrize("value", [None, 1, [], {}, True])
def test_a_member_that_is_no_text_is_refused(name: str, value: object) -> None:
    assert refused(ec_jwk() | {name: value}).code == "not_a_string"


@pytest.mark.parametrize("mangle", ["{}=", "{}==", " {}", "{}\n", "+{}", "/{}", "{}!", "é{}", "{}A"])
def test_base64url_is_read_strictly(mangle: str) -> None:
    jwk = ec_jwk()
    assert refused(jwk | {"x": mangle.format(jwk["x"])}).code in ("not_base64url", "wrong_length")


def test_spare_bits_in_base64url_are_refused() -> None:
    jwk = ed_jwk()
    letter = str(jwk["x"])[-1]
    spare = {"A": "B", "E": "F", "I": "J", "M": "N", "Q": "R", "U": "V", "Y": "Z", "c": "d", "g": "h", "k": "l"}
    other = spare.get(letter) or chr(ord(letter) + 1)
    assert refused(jwk | {"x": str(jwk["x"])[:-1] + other}).code == "not_base64url"


def test_coordinates_must_have_their_full_length() -> None:
    numbers = ec_key("a").public_key().public_numbers()
    for x in (numbers.x.to_bytes(33), numbers.x.to_bytes(32)[:31], b""):
        assert refused(ec_jwk(x=base64url_encode(x))).code == "wrong_length"


def test_an_rsa_modulus_with_a_leading_zero_byte_is_refused() -> None:
    jwk = rsa_jwk()
    assert refused(jwk | {"n": "AAAA" + str(jwk["n"])}).code == "leading_zero"
    assert refused(jwk | {"e": "AAEAAQ"}).code == "leading_zero"
    assert refused(jwk | {"n": ""}).code == "leading_zero"


@pytest.mark.parametrize("kty", ["EC2", "ec", "AKP", "", None, 1, ["EC"], {"a": 1}])
def test_other_key_types_are_refused(kty: object) -> None:
    assert refused(ec_jwk(kty=kty)).code in ("unsupported_kty", "missing_member")


# --- Sets -------------------------------------------------------------------------------------------------------------


def test_a_set_gives_all_its_keys_in_order() -> None:
    entries = [ec_jwk("a", kid="1"), rsa_jwk(kid="2"), ed_jwk()]
    keys = keymaterial.read(json.dumps({"keys": entries}).encode(), now=NOW)
    assert [key.description for key in keys] == ["EC P-256", "RSA 2048", "Ed25519"]


def test_a_set_holds_one_to_ten_keys() -> None:
    ten = [ec_jwk(str(number)) for number in range(10)]
    assert len(keymaterial.read(json.dumps({"keys": ten}).encode(), now=NOW)) == 10
    wrong: list[object] = [[], [*ten, ec_jwk("eleven")], {}, None, "a"]
    for entries in wrong:
        assert refused({"keys": entries}).code == "wrong_key_count"


def test_one_bad_key_refuses_the_set_and_tells_which() -> None:
    refusal = refused({"keys": [ec_jwk("a"), ec_jwk("b"), ec_jwk("c", use="enc")]})
    assert (refusal.code, refusal.facts["position"]) == ("wrong_use", 3)
    assert str(explain_key(refusal)).startswith("Number 3: ")


def test_two_keys_of_a_set_cannot_share_a_kid_or_be_the_same() -> None:
    assert refused({"keys": [ec_jwk("a", kid="x"), ec_jwk("b", kid="x")]}).code == "duplicate_kid"
    assert refused({"keys": [ec_jwk("a", kid="x"), ec_jwk("a", kid="y")]}).code == "duplicate_key"


# --- Certificates inside a key ----------------------------------------------------------------------------------------


def certificate() -> bytes:
    return der(make_certificate())


def test_a_certificate_in_x5c_is_checked_kept_and_gives_more_names() -> None:
    leaf = certificate()
    key = accepted(ec_jwk(kid="mine", x5c=x5c(leaf), x5t=x5t(leaf)))
    assert (key.kind, key.kid) == ("jwk", "mine")
    assert key.certificate is not None
    assert key.certificate.der == leaf
    assert key.jwk["x5t#S256"] == x5t_s256(leaf)
    assert {"mine", key.thumbprint, x5t(leaf), x5t_s256(leaf)} < keymaterial.accepted_names(key.jwk)


def test_a_chain_in_x5c_must_verify() -> None:
    ders = [der(link) for link in chain()]
    key = accepted(ec_jwk(x5c=x5c(*ders)))
    assert key.certificate is not None
    assert key.certificate.chain == tuple(ders[1:])
    assert refused(ec_jwk(x5c=x5c(ders[0], ders[2]))).code == "broken_chain"


def test_x5c_must_be_for_the_key_itself() -> None:
    assert refused(ec_jwk("b", x5c=x5c(certificate()))).code == "x5c_mismatch"
    other_curve = der(make_certificate(ec_key("c", ec.SECP384R1)))
    assert refused(ec_jwk(x5c=x5c(other_curve))).code == "x5c_mismatch"


@pytest.mark.parametrize(
    "value", [None, "MIIB", [], [1], [None], ["*"], [base64url_encode(b"\xfb" * 32)], ["é"], ["A"] * 11]
)
def test_x5c_must_be_a_list_of_base64(value: object) -> None:
    assert refused(ec_jwk(x5c=value)).code == "malformed_x5c"


@pytest.mark.parametrize("member", ["x5t", "x5t#S256"])
@pytest.mark.parametrize("value", ["AAAA", "", None, 1])
def test_thumbprints_must_fit_the_certificate(member: str, value: object) -> None:
    refusal = refused(ec_jwk(x5c=x5c(certificate())) | {member: value})
    assert (refusal.code, refusal.facts["member"]) == ("x5t_mismatch", member)


def test_addresses_and_loose_thumbprints_are_left_out_with_a_remark() -> None:
    key = accepted(ec_jwk(x5u="https://evil.example/key", jku="https://evil.example/keys", x5t="AAAA"))
    assert not {"x5u", "jku", "x5t"} & set(key.jwk)
    assert len(key.notes) == 2
