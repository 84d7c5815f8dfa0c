"""Tricks of addresses, of which none reaches the inside of a network (PROTOCOL F-35). Every connection is watched."""

from __future__ import annotations

import pytest

from clients.federation import addresses
from clients.federation.fetch import Fetcher
from clients.refusal_codes import FetchCode
from tests.clients.federation.watched import connected, refused, resolver

NOT_PUBLIC, MALFORMED, PORT = FetchCode.ADDRESS_NOT_PUBLIC, FetchCode.ADDRESS_MALFORMED, FetchCode.ADDRESS_PORT
CREDENTIALS, NOT_HTTPS = FetchCode.ADDRESS_WITH_CREDENTIALS, FetchCode.ADDRESS_NOT_HTTPS
TRICKS = {
    # Addresses in numbers, in every spelling that some resolver takes
    "https://127.0.0.1/": NOT_PUBLIC,
    "https://127.1/": NOT_PUBLIC,
    "https://127.0.1/": NOT_PUBLIC,
    "https://2130706433/": NOT_PUBLIC,
    "https://0x7f000001/": NOT_PUBLIC,
    "https://0x7f.0.0.1/": NOT_PUBLIC,
    "https://0177.0.0.1/": NOT_PUBLIC,
    "https://017700000001/": NOT_PUBLIC,
    "https://127.0.0.0x1/": NOT_PUBLIC,
    "https://00127.0.0.1/": NOT_PUBLIC,
    "https://0/": NOT_PUBLIC,
    "https://0.0.0.0/": NOT_PUBLIC,
    "https://10.0.0.1/": NOT_PUBLIC,
    "https://169.254.169.254/latest/meta-data/": NOT_PUBLIC,
    "https://168.63.129.16/": NOT_PUBLIC,
    "https://1.1.1.1/": NOT_PUBLIC,  # nobody has to name a server so
    "https://[::1]/": NOT_PUBLIC,
    "https://[::]/": NOT_PUBLIC,
    "https://[::ffff:127.0.0.1]/": NOT_PUBLIC,
    "https://[::ffff:7f00:1]/": NOT_PUBLIC,
    "https://[64:ff9b::7f00:1]/": NOT_PUBLIC,
    "https://[2002:7f00:1::]/": NOT_PUBLIC,
    "https://[fe80::1]/": NOT_PUBLIC,
    "https://[fd00:ec2::254]/": NOT_PUBLIC,
    "https://[2606:4700:4700::1111]/": NOT_PUBLIC,
    "https://[fe80::1%25eth0]/": MALFORMED,
    "https://[fe80::1%eth0]/": MALFORMED,
    "https://[::1/": MALFORMED,
    "https://[v1.a]/": NOT_PUBLIC,
    # Names
    "https://localhost/": NOT_PUBLIC,
    "https://localhost./": NOT_PUBLIC,
    "https://localhost.localdomain/": NOT_PUBLIC,
    "https://127.0.0.1./": NOT_PUBLIC,
    "https://keys.example./": NOT_PUBLIC,
    "https://keys..example/": NOT_PUBLIC,
    "https://.example/": NOT_PUBLIC,
    "https://-keys.example/": NOT_PUBLIC,
    "https://keys_.example/": NOT_PUBLIC,
    "https://keys.example%2f@127.0.0.1/": CREDENTIALS,
    "https://keys%2eexample/": MALFORMED,
    "https://%6c%6fcalhost/": MALFORMED,
    "https://münchen.example/": MALFORMED,
    "https://①②⑦.⓪.⓪.①/": MALFORMED,
    "https://127。0。0。1/": MALFORMED,
    "https://xn--mnchen-3ya.localhost/": NOT_PUBLIC,
    f"https://{'a' * 64}.example/": NOT_PUBLIC,
    f"https://{'a.' * 130}example/": NOT_PUBLIC,
    "https://*.example/": NOT_PUBLIC,
    # Other parts of an address
    "https://user:secret@keys.example/": CREDENTIALS,
    "https://user@keys.example/": CREDENTIALS,
    "https://@keys.example/": CREDENTIALS,
    "https://keys.example@127.0.0.1/": CREDENTIALS,
    "https://127.0.0.1\\@keys.example/": MALFORMED,
    "https://keys.example#@127.0.0.1/": MALFORMED,
    "https://127.0.0.1#.keys.example/": MALFORMED,
    "https://keys.example:8443/": PORT,
    "https://keys.example:22/": PORT,
    "https://keys.example:0443x/": MALFORMED,
    "https://keys.example:/": MALFORMED,
    "https://keys.example:0/": MALFORMED,
    "https://keys.example:99999/": MALFORMED,
    "https://": MALFORMED,
    "https:///keys": MALFORMED,
    "https://?": MALFORMED,
    "https:keys.example": NOT_HTTPS,
    "http://keys.example/": NOT_HTTPS,
    "HTTPS://keys.example/": NOT_HTTPS,
    " https://keys.example/": NOT_HTTPS,
    "//keys.example/": NOT_HTTPS,
    "file:///etc/passwd": NOT_HTTPS,
    "gopher://keys.example/": NOT_HTTPS,
    "": NOT_HTTPS,
    "https://keys.example/ HTTP/1.1\r\nHost: inside": MALFORMED,
    "https://keys.example/\r\nX: y": MALFORMED,
    "https://keys.example/\t": MALFORMED,
    "https://keys.example/\x00": MALFORMED,
    f"https://keys.example/{'a' * 600}": MALFORMED,
}


@pytest.mark.parametrize("url", TRICKS)
def test_no_trick_of_an_address_connects_anywhere(url):
    assert refused(Fetcher(resolve=resolver(("127.0.0.1", 443))), url) == TRICKS[url]
    assert connected == []


PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.255.255.254", "161.26.0.10", "166.9.1.1", "168.63.129.16", "169.254.0.1", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::a00:1",
    "64:ff9b::808:808", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "2606:4700::5efe:a00:1",
    "2606:4700::200:5efe:7f00:1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1",
    "fe80::1%eth0", "2606:4700::1%1", "fec0::1", "ff02::1", "ff05::1:3", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_with_an_address_inside_connects_nowhere(address):
    resolve = resolver(("93.184.215.14", 443), (address, 443))
    assert not addresses.is_public(address)
    assert refused(Fetcher(resolve=resolve), "https://keys.example/") == NOT_PUBLIC
    assert connected == []


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4009:80b::200e"])
def test_an_address_of_the_internet_is_public(address):
    assert addresses.is_public(address)
