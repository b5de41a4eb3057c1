"""Regression tests for findings of `make fuzz` and others."""

import fuzz


def test_findings() -> None:
    findings = list(fuzz.FINDINGS.iterdir())
    assert findings
    for path in findings:
        fuzz.check(path.read_bytes())


def test_a_case_is_always_the_same_and_damaged() -> None:
    pictures = fuzz.seeds()
    cases = [fuzz.damaged(pictures, 0, index) for index in range(50)]
    assert cases == [fuzz.damaged(pictures, 0, index) for index in range(50)]
    assert not set(cases) & set(pictures)


def test_some_cases() -> None:
    pictures = fuzz.seeds()
    for index in range(500):
        fuzz.check(fuzz.damaged(pictures, 1, index))
