"""The file format of an upload, recognised by its first bytes and markers, without parsing."""

import base64
import binascii
import re

from clients.keymaterial.errors import KeyRefused, numbered

MAX_BYTES = 64 * 1024
MAX_SCANNED_BYTES = 512 * 1024  # larger uploads are scanned for secrets up to here

# The start of a DER or BER SEQUENCE (tag and length), and the object identifiers of PKCS#7 and of encryption schemes.
_SEQUENCE = rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
_PKCS7 = rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_PBE = rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c\x01)"

# Matched in any letter case, and shown to the contact as the sign of a secret.
_SECRET_MARKERS = ("PRIVATE KEY", "Private-Key:", "BEGIN PKCS12", "PuTTY-User-Key-File")
# PRIVATE KEY in base64, as Kubernetes keeps files; the spelling depends on the offset.
_SECRET_MARKERS_IN_BASE64 = ("UFJJVkFURSBLRV", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW")
_SECRET_IN_XML = re.compile(rb"<d>(?=[\w+/=\s]{4})")  # before base64, because DER has <D> alone now and then
# Members of a private or symmetric JWK (RFC 7518 section 6), also in JSON that is broken, within a JSON string or with
# the quotes of a word processor, and in JavaScript and YAML.
_QUOTE = rb"(?:\\{0,8}[\"']|\xe2\x80[\x98-\x9f])"
_SECRET_MEMBERS = {
    reason: re.compile(
        rb"%(quote)s(%(names)s)%(quote)s\s*:|\b(%(names)s)\s*:\s*%(quote)s[\w-]{16}|^[ \t-]*(%(names)s):[ \t]+[\w-]{16}"
        % {b"names": names, b"quote": _QUOTE},
        re.MULTILINE,
    )
    for reason, names in (("private_key_material", rb"d|p|q|dp|dq|qi|oth|priv"), ("symmetric_key", rb"k"))
}
# Private keys of PKCS#8, PKCS#1, SEC 1, and of encrypted PKCS#8. Before them, the first bytes of two files of Windows:
# PVK, and a CryptoAPI blob.
_PRIVATE_KEY = rb"(?:\x02\x01[\x00\x01]\x30|\x02\x01\x00\x02[\x40-\x84]|\x02\x01\x01\x04|" + _SEQUENCE + _PBE + rb")"
_SECRET_FILES = {
    "private_key_material": rb"\A(?:\x1e\xf1\xb5\xb0|\x07\x02\0\0|" + _SEQUENCE + _PRIVATE_KEY + rb")",
    "pkcs12": rb"\A" + _SEQUENCE + rb"\x02\x01\x03" + _SEQUENCE + _PKCS7,
    "keystore": rb"\A(?:\xfe\xed\xfe\xed|\xce\xce\xce\xce)",
}
_PUBLIC_KEY = rb"(?:" + _SEQUENCE + rb"\x06|\x02[\x81\x82])"  # SubjectPublicKeyInfo, PKCS#1
_REQUEST = _SEQUENCE + rb"\x02\x01\0\x30"  # PKCS#10: version 0, then the subject
_FOREIGN_FILES = {
    "pkcs7": rb"-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS)-----|\A" + _SEQUENCE + _PKCS7,
    "public_key": rb"-----BEGIN (?:RSA |EC )?PUBLIC KEY-----|\A" + _SEQUENCE + _PUBLIC_KEY,
    "certificate_request": rb"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----|\A" + _SEQUENCE + _REQUEST,
    "trusted_certificate": rb"-----BEGIN TRUSTED CERTIFICATE-----",
    "ssh_public_key": rb"\A\s*(?:ssh-|ecdsa-sha2-|sk-)|---- BEGIN SSH2 PUBLIC KEY",
    "pgp_key": rb"-----BEGIN PGP",
    "utf16": rb"\A(?:\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0[^\0])",
    "html": rb"\A\s*<",
}
_PEM_START = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----")
_PEM_BLOCK = re.compile(_PEM_START.pattern + rb"([A-Za-z0-9+/=\s]*)-----END (?:X509 )?CERTIFICATE-----")
_BARE_BASE64 = re.compile(rb"M[A-P][A-Za-z0-9+/]+={0,2}")
_LONG_SEQUENCE = re.compile(rb"\x30[\x80-\x84]")


def refuse_secrets(data: bytes) -> None:
    """Refuse any sign of a private or symmetric key, before any parsing. Linear in the size; raises KeyRefused."""
    text = data.replace(b"\0", b"")  # so that markers are found in UTF-16, too
    lower = text.lower()
    markers = [marker for marker in _SECRET_MARKERS if marker.lower().encode() in lower]
    markers += [marker for marker in _SECRET_MARKERS_IN_BASE64 if marker.encode() in text]
    if markers or _SECRET_IN_XML.search(lower):
        raise KeyRefused("private_key_material", sign=[*markers, "<D>"][0])
    for reason, member in _SECRET_MEMBERS.items():
        # Without a kty the text is perhaps a web page, with short names that must not raise an alarm.
        if b"kty" in text and (found := member.search(text)):
            raise KeyRefused(reason, sign=found[found.lastindex or 0].decode())
    for reason, pattern in _SECRET_FILES.items():
        if re.match(pattern, data, re.DOTALL):
            raise KeyRefused(reason, sign="DER")


def without_base64(data: bytes) -> bytes:
    """Decode a text that is base64 of DER alone, like the members of a JSON Web Key; else return `data`."""
    compact = b"".join(data.split())
    if not _BARE_BASE64.fullmatch(compact):
        return data
    try:
        return base64.b64decode(compact, validate=True)
    except binascii.Error:
        return data


def is_json(data: bytes) -> bool:
    return data.lstrip().startswith((b"{", b"["))


def certificates_in(data: bytes) -> list[bytes]:
    """Return the DER of each certificate in a PEM or DER file, none for other text. Raises KeyRefused."""
    starts = 0 if is_json(data) else len(_PEM_START.findall(data))
    if starts:
        blocks = _PEM_BLOCK.findall(data)
        if len(blocks) != starts:
            raise KeyRefused("malformed_certificate")
        return [_pem_body(block, position, starts) for position, block in enumerate(blocks, start=1)]
    is_der = _LONG_SEQUENCE.match(data) is not None
    _refuse_foreign(data, form="DER" if is_der else "PEM")
    return [data] if is_der else []


def _refuse_foreign(data: bytes, *, form: str) -> None:
    for reason, pattern in _FOREIGN_FILES.items():
        if re.search(pattern, data, re.DOTALL):
            raise KeyRefused(reason, form=form)


def _pem_body(block: bytes, position: int, count: int) -> bytes:
    with numbered(position, count):
        try:
            body = base64.b64decode(b"".join(block.split()), validate=True)
        except binascii.Error:
            raise KeyRefused("malformed_certificate") from None
        # `certutil -encode` of Windows labels every file as a certificate.
        refuse_secrets(body)
        _refuse_foreign(body, form="PEM")
        return body
