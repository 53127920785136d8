from __future__ import annotations

import pytest

from kschedcore.cel.regex import PatternError, compiled


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("a$", "a\n", None),
        ("(?m)a$", "a\nb", "a"),
        (r"a\z", "ba", "a"),
        (r"\d+", "٣4", "4"),
        (r"\w+", "é_a", "_a"),
        (r"\bb", "éb", "b"),
        ("(?i)STRASSE", "strasse", "strasse"),
        ("a(?i)b|c", "aB", "aB"),
        ("a(?i)b|c", "C", "C"),
        ("(a(?i)b)c", "aBC", None),
        ("(?U)a+", "aaa", "a"),
        ("(?s).+", "a\nb", "a\nb"),
        (".+", "a\nb", "a"),
        ("[[:alpha:]]+", "1abc2", "abc"),
        ("[^[:alpha:]]+", "ab12", "12"),
        ("[]a]+", "a]", "a]"),
        (r"[\w.-]+", "a.b-c d", "a.b-c"),
        ("[a&&b]+", "&&", "&&"),
        (r"\Qa.b\E+", "a.bb", "a.bb"),
        (r"\x41\x{42}\103", "ABC", "ABC"),
        (r"\p{Lu}+", "aÀB", "ÀB"),
        (r"\pN+", "a٣4", "٣4"),
        (r"[\P{L}]+", "a12", "12"),
        ("(?P<name>a)(?<other>b)", "ab", "ab"),
        ("a{,2}", "a{,2}", "a{,2}"),
        ("x{2,3}", "xxxx", "xxx"),
        ("^*a", "a", "a"),
    ],
)
def test_patterns_mean_what_they_mean_in_re2(pattern: str, text: str, found: str | None) -> None:
    match = compiled(pattern).search(text)
    assert (None if match is None else match[0]) == found


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)b", "invalid or unsupported Perl syntax: `(?<`"),
        ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[[:nope:]]", "invalid character class range: `[:nope:]`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("\\", "trailing backslash at end of expression"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        ("(?P<a>x)(?P<a>y)", "duplicate capture group name: `a`"),
    ],
)
def test_what_re2_refuses_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(PatternError) as raised:
        compiled(pattern)
    assert str(raised.value) == f"error parsing regexp: {problem}"
