"""Which addresses are public, what an address of the web is, and which hosts are allowed."""

import random
import socket
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx
import pytest

from outbound.addresses import is_public, may_connect, networks
from outbound.hosts import HostList
from outbound.location import MAX_URL, PORTS, parse_location
from outbound.refused import Refused
from superscaling.errors import SettingInvalid

# The rows of IANA's registries of special-purpose addresses (2025), and whether the service may connect to them. Where
# the answer is not the registry's "globally reachable", the reason stands beside it.
IANA = {
    "0.0.0.0/8": False,
    "0.0.0.0/32": False,
    "10.0.0.0/8": False,
    "100.64.0.0/10": False,
    "127.0.0.0/8": False,
    "169.254.0.0/16": False,
    "172.16.0.0/12": False,
    "192.0.0.0/24": False,
    "192.0.0.0/29": False,
    "192.0.0.8/32": False,
    "192.0.0.9/32": False,  # reachable, but no web server: port control
    "192.0.0.10/32": False,  # the same: relays
    "192.0.0.170/32": False,
    "192.0.0.171/32": False,
    "192.0.2.0/24": False,
    "192.31.196.0/24": True,
    "192.52.193.0/24": True,
    "192.88.99.0/24": False,
    "192.168.0.0/16": False,
    "192.175.48.0/24": True,
    "198.18.0.0/15": False,
    "198.51.100.0/24": False,
    "203.0.113.0/24": False,
    "240.0.0.0/4": False,
    "255.255.255.255/32": False,
    "::1/128": False,
    "::/128": False,
    "::ffff:0:0/96": False,
    "64:ff9b::/96": False,  # reachable: translated to IPv4, also to addresses that are not public
    "64:ff9b:1::/48": False,
    "100::/64": False,
    "100:0:0:1::/64": False,
    "2001::/23": False,
    "2001::/32": False,
    "2001:1::1/128": False,  # the rest of 2001::/23 is reachable, but has no web servers
    "2001:1::2/128": False,
    "2001:1::3/128": False,
    "2001:2::/48": False,
    "2001:3::/32": False,
    "2001:4:112::/48": False,
    "2001:10::/28": False,
    "2001:20::/28": False,
    "2001:30::/28": False,
    "2001:db8::/32": False,
    "2002::/16": False,
    "2620:4f:8000::/48": True,
    "3fff::/20": False,
    "5f00::/16": False,
    "fc00::/7": False,
    "fe80::/10": False,
}
# Not in these registries: multicast, what was site-local, what is not assigned, and ways to write an IPv4 address.
OTHERS = {
    "224.0.0.0/4": False,
    "168.63.129.16/32": False,
    "::/96": False,
    "::ffff:0:0:0/96": False,
    "::808:808/128": False,
    "::ffff:808:808/128": False,
    "64:ff9b::808:808/128": False,
    "2002:808:808::/48": False,
    "2606:4700::5efe:808:808/128": False,
    "2606:4700::200:5efe:808:808/128": False,
    "200::/7": False,
    "4000::/3": False,
    "e000::/4": False,
    "fec0::/10": False,
    "ff00::/8": False,
    "ff0e::/16": False,
    "1.1.1.1/32": True,
    "8.8.8.8/32": True,
    "9.255.255.255/32": True,
    "11.0.0.0/32": True,
    "100.63.255.255/32": True,
    "100.128.0.0/32": True,
    "126.255.255.255/32": True,
    "128.0.0.0/32": True,
    "168.63.129.15/32": True,
    "169.253.255.255/32": True,
    "172.15.255.255/32": True,
    "172.32.0.0/32": True,
    "191.255.255.255/32": True,
    "192.0.1.0/32": True,
    "192.167.255.255/32": True,
    "192.169.0.0/32": True,
    "198.17.255.255/32": True,
    "198.20.0.0/32": True,
    "223.255.255.255/32": True,
    "2001:200::/23": True,
    "2001:4860:4860::8888/128": True,
    "2606:4700:4700::1111/128": True,
    "2a00:1450::/32": True,
    "2003::/18": True,
    "3ffe:ffff::/32": True,
    "3fff:1000::/32": True,
}


@pytest.mark.parametrize(("name", "expected"), (IANA | OTHERS).items())
def test_public_addresses(name: str, expected: bool) -> None:
    """The first and the last address of each row, and one in the middle."""
    network = ip_network(name)
    for address in (network[0], network[-1], network[network.num_addresses // 2]):
        assert is_public(address) == expected, address
        assert may_connect(address, ()) == expected


def test_addresses_beside_the_rows() -> None:
    """A row is no wider than it should be: its neighbours that no row has are public, if they are unicast."""
    refused = [ip_network(name) for name, expected in (IANA | OTHERS).items() if not expected]
    for network in refused:
        if network.version == 4:
            for number in (int(network[0]) - 1, int(network[-1]) + 1):
                if 0 <= number < 1 << 32 and not any(ip_address(number) in each for each in refused):
                    assert is_public(ip_address(number)), ip_address(number)


@pytest.mark.parametrize(
    ("address", "private", "expected"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.0.1", ["10.1.0.0/16"], False),
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.2", ["127.0.0.1"], False),
        ("::1", ["::1"], True),
        ("::1", ["127.0.0.0/8"], False),
        ("fd00::1", ["fd00::/8"], True),
        ("fe80::1", ["fe80::/10"], True),
        ("fe80::1%eth0", ["fe80::/10"], False),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], False),
        ("::ffff:10.1.2.3", ["::/0", "0.0.0.0/0"], False),
        ("::10.1.2.3", ["::/0", "0.0.0.0/0"], False),
        ("64:ff9b::10.1.2.3", ["::/0", "0.0.0.0/0"], False),
        ("2002:a01:203::", ["::/0", "0.0.0.0/0"], False),
        ("fd00::5efe:10.1.2.3", ["::/0", "0.0.0.0/0"], False),
        ("0.0.0.0", ["0.0.0.0/0"], False),
        ("0.1.2.3", ["0.0.0.0/0"], False),
        ("::", ["::/0"], False),
        ("224.0.0.1", ["0.0.0.0/0"], False),
        ("255.255.255.255", ["0.0.0.0/0"], False),
        ("ff02::1", ["::/0"], False),
        ("8.8.8.8", ["10.1.0.0/16"], True),
    ],
)
def test_networks_that_an_operator_names(address: str, private: list[str], expected: bool) -> None:
    assert may_connect(ip_address(address), networks(private)) == expected


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target"),
    [
        ("http://example.com", "http", "example.com", 80, "/"),
        ("https://example.com", "https", "example.com", 443, "/"),
        ("HTTPS://Example.COM:8443/A%2fb?c=d%20e", "https", "example.com", 8443, "/A%2fb?c=d%20e"),
        ("http://example.com?a=/?b", "http", "example.com", 80, "/?a=/?b"),
        ("http://xn--mnchen-3ya.example/", "http", "xn--mnchen-3ya.example", 80, "/"),
        ("http://minio:9000/bucket/a.png", "http", "minio", 9000, "/bucket/a.png"),
        ("http://a_b.example/", "http", "a_b.example", 80, "/"),
        ("http://1.example/", "http", "1.example", 80, "/"),
        ("http://example.0com/", "http", "example.0com", 80, "/"),
        ("http://8.8.8.8:1/", "http", "8.8.8.8", 1, "/"),
        ("http://[2001:DB8:0::1]:65535/", "http", "2001:db8::1", 65_535, "/"),
        ("http://[::ffff:1.2.3.4]/", "http", "::ffff:102:304", 80, "/"),
        ("http://example.com//a/../b/./;c=d,e@f:g!$&'()*+", "http", "example.com", 80, "//a/../b/./;c=d,e@f:g!$&'()*+"),
        ("http://example.com/?a[]=1", "http", "example.com", 80, "/?a[]=1"),
        ("http://" + "a." * 126 + "b/", "http", "a." * 126 + "b", 80, "/"),
    ],
)
def test_addresses_of_the_web(url: str, scheme: str, host: str, port: int, target: str) -> None:
    found = parse_location(url)
    shown = str(found.address) if found.address else found.host
    assert (found.scheme, shown.replace("::ffff:1.2.3.4", "::ffff:102:304"), found.port, found.target) == (
        *(scheme, host),
        *(port, target),
    )
    assert parse_location(f"{found.scheme}://{found.authority}{found.target}") == found


# Each is read in another way by some library, or by none.
ODD = [
    "",
    " ",
    "example.com",
    "//example.com/",
    "/picture.png",
    "http:",
    "http:/example.com/",
    "http:example.com/",
    "http:///example.com/",
    "http://",
    "http:///",
    "http://:80/",
    "https//example.com/",
    # other schemes
    "ftp://example.com/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "jar:http://example.com!/",
    "unix:/run/docker.sock",
    "httpx://example.com/",
    "http+unix://%2Frun%2Fdocker.sock/",
    "\u210cttp://example.com/",
    # a loopback address in other notations
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://017700000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.1../",
    "http://127.0.0.1.1/",
    "http://127.0.0.256/",
    "http://256.1/",
    "http://127..0.1/",
    "http://0/",
    "http://00000000/",
    "http://0x/",
    "http://example.0x1/",
    "http://example.1/",
    "http://1.2.3/",
    "http://+127.0.0.1/",
    "http://127.0.0.1%00/",
    "http://127.0.0.1%20/",
    "http://127.0.0.%31/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://127\uff0e0\uff0e0\uff0e1/",
    "http://\u2460\u2461\u2466.0.0.1/",
    "http://\u0661\u0662\u0667.0.0.1/",
    "http://[127.0.0.1]/",
    "http://::1/",
    "http://[::1",
    "http://::1]/",
    "http://[[::1]]/",
    "http://[::1]:80:80/",
    "http://[::1]x/",
    "http://x[::1]/",
    "http://[::1%lo]/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[::ffff:127.0.0.01]/",
    "http://[::ffff:127.1]/",
    "http://[::ffff:0x7f.0.0.1]/",
    "http://[:::1]/",
    "http://[1::2::3]/",
    "http://[::12345]/",
    "http://[v1.a]/",
    "http://[]/",
    # names
    "http://localhost./",
    "http://.localhost/",
    "http://example..com/",
    "http://./",
    "http://../",
    "http://-a.example/",
    "http://a-.example/",
    "http://ex%61mple.com/",
    "http://example.com%2eevil.example/",
    "http://m\u00fcnchen.example/",
    "http://\u24d4xample.com/",
    "http://example\u3002com/",
    "http://exam\u00adple.com/",
    "http://example.com\u2044.evil.example/",
    "http://*.example.com/",
    "http://a,b/",
    "http://a;b/",
    "http://a&b/",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 127 + "b/",
    # users, and what hides a host
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://:@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1:80@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.evil.example/",
    "http:\\\\example.com/",
    "http:/\\example.com/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1 @example.com/",
    "http://127.0.0.1;@example.com/",
    "http://a@b@example.com/",
    # white space and control characters
    " http://example.com/",
    "http://example.com/ ",
    "http://example.com/\n",
    "\thttp://example.com/",
    "ht\ntp://example.com/",
    "http://exa\tmple.com/",
    "http://example.com/a b",
    "http://example.com/\r\nHost: evil",
    "http://example.com/\r\n\r\nGET / HTTP/1.1",
    "http://example.com\r\n/",
    "http://example.com/\0",
    "http://example.com/\u00a0",
    "http://example.com/\u2028",
    # ports
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:00080/",
    "http://example.com:080/",
    "http://example.com:65536/",
    "http://example.com:70000/",
    "http://example.com:99999999999999999999/",
    "http://example.com:-80/",
    "http://example.com:+80/",
    "http://example.com:8_0/",
    "http://example.com:80 /",
    "http://example.com:\uff18\uff10/",
    "http://example.com:http/",
    "http://example.com:80:80/",
    # what follows
    "http://example.com/#fragment",
    "http://example.com#",
    "http://example.com/%",
    "http://example.com/%2",
    "http://example.com/%zz",
    "http://example.com/<script>",
    'http://example.com/"',
    "http://example.com/{a}",
    "http://example.com/a|b",
    "http://example.com/a^b",
    "http://example.com/`",
    "http://example.com/a\\b",
    "http://example.com/\u00e9",
    "http://example.com/[",
    "http://example.com/" + "a" * MAX_URL,
    "http://example.com/" + "%41" * 1_000_000,
]


@pytest.mark.parametrize("url", ODD, ids=[ascii(each[:60]) for each in ODD])
def test_odd_addresses_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any library, the resolver among them, has read them."""
    monkeypatch.delattr(socket, "getaddrinfo")
    with pytest.raises(Refused):
        parse_location(url)


def test_what_is_read_is_read_alike_by_others() -> None:
    """Of thousands of changed addresses, those that pass have the same host and port for two other readers."""
    chance = random.Random(23)
    starts = [*ODD[:-2], "http://example.com:8080/a?b", "https://127.0.0.1/", "http://[2001:db8::1]:80/%41"]
    passed = 0
    for _ in range(20_000):
        text = list(chance.choice(starts))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(text) + 1)
            text[place : place + chance.randint(0, 2)] = chance.choice("/:@?#[]%.0x1a\\\t\n \0-é\u3002\uff0e")
        url = "".join(text)
        try:
            found = parse_location(url)
        except Refused:
            continue
        passed += 1
        other = urlsplit(url)
        assert (other.scheme, other.port or PORTS[other.scheme]) == (found.scheme, found.port)
        third = httpx.URL(url)
        assert (third.scheme, third.port or PORTS[third.scheme]) == (found.scheme, found.port)
        for host in (other.hostname or "", third.host):
            assert host == found.host or ip_address(host) == found.address, url
        assert not {"@", "\\", "#"} & set(found.authority)
    assert passed > 100


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("/b", "https://example.com:8443/b"),
        ("b?c#d", "https://example.com:8443/a/b?c"),
        ("?c", "https://example.com:8443/a/?c"),
        ("../b", "https://example.com:8443/b"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example", "https://other.example/"),
        ("http://example.com/", None),
        ("ftp://example.com/", None),
        ("//user@example.com/", None),
        ("/\\evil.example/", None),
        ("\\\\evil.example/", None),
        ("//127.1/", None),
        ("//[::1/", None),
        ("//[x]/", None),
        ("/ b", None),
        ("/\tb", None),
        ("/é", None),
        ("/" + "b" * MAX_URL, None),
    ],
)
def test_redirects(to: str, expected: str | None) -> None:
    start = parse_location("https://example.com:8443/a/")
    if expected is None:
        with pytest.raises(Refused):
            start.redirected(to)
    else:
        assert start.redirected(to) == parse_location(expected)


@pytest.mark.parametrize(
    ("names", "url", "expected"),
    [
        ([], "https://example.com/", False),
        (["example.com"], "https://example.com/", True),
        (["example.com"], "http://EXAMPLE.com:80/", True),
        (["Example.com"], "http://example.com/", True),
        (["example.com"], "http://example.com:443/", False),
        (["example.com"], "http://a.example.com/", False),
        (["example.com"], "http://example.com.evil.example/", False),
        (["example.com"], "http://notexample.com/", False),
        (["example.com:8080"], "http://example.com:8080/", True),
        (["example.com:8080"], "https://example.com:8080/", True),
        (["example.com:8080"], "http://example.com/", False),
        (["*.example.com"], "http://a.example.com/", True),
        (["*.example.com"], "http://a.b.example.com/", True),
        (["*.example.com"], "http://example.com/", False),
        (["*.example.com"], "http://aexample.com/", False),
        (["*.example.com"], "http://a.example.com:8080/", False),
        (["*.example.com:8080"], "http://a.example.com:8080/", True),
        (["*"], "http://example.com/", True),
        (["*"], "https://8.8.8.8/", True),
        (["*"], "http://example.com:1024/", True),
        (["*"], "http://example.com:25/", False),
        (["*", "example.com:81"], "http://example.com:81/", True),
        (["127.0.0.1:9000"], "http://127.0.0.1:9000/", True),
        (["[::1]:9000"], "http://[0:0::1]:9000/", True),
        (["[0:0::1]"], "http://[::1]/", True),
    ],
)
def test_lists_of_hosts(names: list[str], url: str, expected: bool) -> None:
    hosts = HostList("url_hosts", names)
    assert hosts.allows(parse_location(url)) == expected
    assert bool(hosts) == bool(names)


@pytest.mark.parametrize(
    "name",
    ["https://example.com", "example.com/", "example.com:", "example.com:0", "example.com:65536", "*.*", "a.*", "**",
     "*example.com", "exam ple.com", "127.1", "*.1.2.3.4", "::1", "[::1", "user@example.com", "é.example", "."],
)  # fmt: skip
def test_lists_that_can_not_be_meant(name: str) -> None:
    """They would allow nothing, and nobody would know why."""
    with pytest.raises(SettingInvalid, match="must be hosts"):
        HostList("url_hosts", ["example.com", name])
