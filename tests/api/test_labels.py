"""Names and labels at their edges, with apimachinery's texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api import labels

NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize("name", ["a", "app", "a.b-c_d", "example.com/name", "e/N", "a" * 63, "1/2"])
def test_good_qualified_names(name: str) -> None:
    assert labels.is_qualified_name(name) == ()


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("a b", (NAME,)),
        ("", ("name part must be non-empty", NAME)),
        ("/a", ("prefix part must be non-empty",)),
        ("example.com/", ("name part must be non-empty", NAME)),
        ("a" * 64, ("name part must be no more than 63 bytes",)),
        ("a\n", (NAME,)),
        ("é", (NAME,)),
    ],
)
def test_bad_qualified_names(name: str, problems: tuple[str, ...]) -> None:
    assert labels.is_qualified_name(name) == problems


def test_a_name_has_one_prefix_at_most() -> None:
    (problem,) = labels.is_qualified_name("x/y/z")
    assert problem.startswith("a valid label key must consist of alphanumeric characters")
    assert problem.endswith("with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")


def test_a_bad_prefix_is_one_fault() -> None:
    (problem,) = labels.is_qualified_name("UPPER/a")
    assert problem.startswith("prefix part a lowercase RFC 1123 subdomain must consist of")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (labels.is_label_value, ["", "a", "A.b", "1"], ["-a", "a-", "a b", "a" * 64]),
        (labels.is_dns1123_label, ["a", "1-a", "a" * 63], ["", "A", "a.b", "-a", "a" * 64]),
        (labels.is_dns1123_subdomain, ["a", "a.b", "1.2"], ["", "a..b", "a_b", "a." * 127]),
        (labels.is_dns1035_label, ["a", "a-1"], ["1a", "A", "a" * 64]),
        (labels.is_wildcard_dns1123_subdomain, ["*.a", "*.a.b"], ["a.b", "*", "*.*.a"]),
        (labels.is_port_name, ["http", "a-1"], ["", "a" * 16, "80", "a--b", "-a", "a-", "A"]),
        (labels.is_env_var_name, ["A", "a.b", "_", "1a", "a b", "..", "~"], ["", "A=", "é", "a\n", "\x7f"]),
        (labels.is_config_map_key, ["a", ".a", "A_b"], ["", "a b", ".", "..", "..a", "a" * 254]),
        (labels.is_http_header_name, ["X-A"], ["", "X A", "X:"]),
        (
            labels.is_ip,
            ["10.0.0.1", "::1", "0000:0::00001", "FE80::1"],
            [
                "",
                "010.000.0.01",
                "::ffff:1.2.3.4",
                "300.1.1.1",
                "1.2.3",
                "fe80::1%eth0",
                "a",
                "1.2.3.4.5",
                ":::",
            ],
        ),
        (
            labels.is_cidr,
            ["10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/64"],
            ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "::ffff:1.2.3.0/120"],
        ),
        (labels.is_path_segment_name, ["a", "A_b"], [".", "..", "a/b", "50%"]),
    ],
)
def test_each_rule_at_its_edges(check: object, good: list[str], bad: list[str]) -> None:
    assert callable(check)
    assert [value for value in good if check(value)] == []
    assert [value for value in bad if not check(value)] == []


@given(st.text("aA1-._/ ", max_size=6))
def test_a_label_key_without_prefix_that_is_valid_is_a_valid_value_too(text: str) -> None:
    if "/" not in text and not labels.is_qualified_name(text):
        assert labels.is_label_value(text) == ()
