"""What counts of an address a server signed: its path and query, and its host to be shown."""

import pytest

from kbsync.dify.file_download import SignedAddress, signed_address

TARGET = "/files/1/file-preview?timestamp=1&sign=a%3D"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (f"http://127.0.0.1:5001{TARGET}", "127.0.0.1:5001"),
        (f"https://upload.example{TARGET}", "upload.example"),
        (f"https://user:secret@elsewhere.example:9{TARGET}", "elsewhere.example:9"),
        (f"https://elsewhere.example{TARGET}#fragment", "elsewhere.example"),
        (f"//elsewhere.example{TARGET}", "elsewhere.example"),
        (f"http://[::1]:80{TARGET}", "::1:80"),
        (TARGET, ""),
    ],
)
def test_path_and_query_alone_are_asked_for(url: str, host: str) -> None:
    assert signed_address(url) == SignedAddress(host, TARGET)


def test_a_path_that_looks_like_a_host_stays_a_path() -> None:
    found = signed_address("http://a.example//evil.example/x?y")
    assert found == SignedAddress("a.example", "//evil.example/x?y")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "javascript:alert(1)",
        "http://a.example",
        "http://a.example?sign=1",
        "http://a.example:port/x",
        "http://[broken/x",
        "http://a.example/x y",
        "http://a.example/x\r\nHost: evil.example",
        "http://a.example/größe",
        "files/1/file-preview?sign=1",
    ],
)
def test_what_is_no_address_of_a_file(url: str) -> None:
    assert signed_address(url) is None
