"""Finding, reading, comparing and counting recordings, apart from what replays them."""

from __future__ import annotations

import gzip
import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.cli.conformance import report
from kschedcore.conformance.comparison import differences
from kschedcore.conformance.files import find, read, stem
from kschedcore.conformance.results import CaseResult, Difference, Family, StepResult
from kschedcore.errors import ManifestError, NotFoundError

keys = st.text(string.ascii_lowercase, min_size=1, max_size=3)
json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


class TestComparison:
    @given(json_values)
    def test_a_value_equals_itself(self, value: object) -> None:
        assert list(differences(value, value)) == []

    @given(st.dictionaries(keys, st.integers(), min_size=1), st.data())
    def test_one_changed_value_is_one_difference(self, step: dict[str, int], data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(step)))
        changed = {**step, key: step[key] + 1}
        assert list(differences(step, changed)) == [Difference(key, step[key], step[key] + 1)]

    @given(st.dictionaries(keys, st.integers(), min_size=1), st.data())
    def test_a_missing_or_an_extra_key_is_a_difference(
        self, step: dict[str, int], data: st.DataObject
    ) -> None:
        key = data.draw(st.sampled_from(sorted(step)))
        without = {each: value for each, value in step.items() if each != key}
        assert list(differences(step, without)) == [Difference(key, step[key], None)]
        assert list(differences(without, step)) == [Difference(key, None, step[key])]

    def test_the_path_leads_to_the_value(self) -> None:
        expected = {"rejected": {"node-1": {"code": "Unschedulable", "plugin": "NodePorts"}}}
        found = {"rejected": {"node-1": {"code": "Unschedulable", "plugin": "NodeName"}}}
        [difference] = differences(expected, found)
        assert str(difference) == "rejected.node-1.plugin: expected 'NodePorts', found 'NodeName'"

    def test_reasons_are_compared_as_multisets(self) -> None:
        assert not list(differences({"reasons": ["b", "a"]}, {"reasons": ["a", "b"]}))
        assert list(differences({"reasons": ["a", "a"]}, {"reasons": ["a"]}))

    def test_other_lists_keep_their_order(self) -> None:
        assert list(differences({"best": ["b", "a"]}, {"best": ["a", "b"]}))


class TestFiles:
    @pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz"])
    def test_plain_and_compressed_read_alike(self, tmp_path: Path, name: str) -> None:
        cases = [{"id": "a-1"}, {"id": "a-2"}] if "jsonl" in name else [{"id": "a-1"}]
        text = "\n".join(map(json.dumps, cases)).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        assert list(read(path)) == cases
        assert stem(path) == "a"

    def test_a_folder_means_the_recordings_below_it_in_order(self, tmp_path: Path) -> None:
        (tmp_path / "more").mkdir()
        for name in ("b.jsonl", "a.json.gz", "README.md", "more/c.jsonl.gz"):
            (tmp_path / name).touch()
        found = [path.relative_to(tmp_path).as_posix() for path in find([str(tmp_path)])]
        assert found == ["a.json.gz", "b.jsonl", "more/c.jsonl.gz"]

    def test_a_file_named_twice_counts_once(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.touch()
        assert find([str(path), str(tmp_path)]) == [path]

    def test_what_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match=r"nowhere: no such file or folder"):
            find([str(tmp_path / "nowhere")])
        with pytest.raises(NotFoundError, match=r"no recordings here; expected files named \*\.jsonl"):
            find([str(tmp_path)])

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'{"id": 1}\n{"id": ', r"a\.jsonl: line 2: not JSON"),
            (b"[1]", r"a\.jsonl: line 1: found list, expected a case"),
            (b"\xff\xfe{", r"a\.jsonl: line 1: not JSON"),
            (gzip.compress(b'{"id": 1}', mtime=0)[:-6], r"a\.jsonl: truncated or damaged gzip data"),
            (b"\x1f\x8bnonsense", r"a\.jsonl: (truncated or damaged gzip data|.*[Cc]ompression.*)"),
        ],
    )
    def test_what_is_no_recording_is_refused_with_its_place(
        self, tmp_path: Path, content: bytes, message: str
    ) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=message):
            list(read(path))


class TestCounting:
    wrong = StepResult("ns/b", (Difference("chosen", "n1", "n2"), Difference("feasible", 1, 2)))

    def test_a_case_passes_when_all_its_steps_do(self) -> None:
        good = CaseResult(2, (StepResult("ns/a"), StepResult("ns/b")))
        bad = CaseResult(2, (StepResult("ns/a"), self.wrong))
        assert (good.passed, good.steps_passed) == (True, 2)
        assert (bad.passed, bad.steps_passed) == (False, 1)

    def test_an_error_fails_the_case_and_the_steps_that_did_not_run(self) -> None:
        result = CaseResult(3, (StepResult("ns/a"),), "KeyError: 'x'")
        assert (result.passed, result.steps_passed) == (False, 1)
        assert result.problems() == ["KeyError: 'x'"]

    def test_steps_that_are_missing_fail_the_case(self) -> None:
        assert not CaseResult(2, (StepResult("ns/a"),)).passed

    def test_a_family_adds_up_and_keeps_the_first_problems(self) -> None:
        family = Family("taints")
        family.add("taints-1", CaseResult(1, (StepResult("ns/a"),)), 0.5, show=3)
        for case in ("taints-2", "taints-3"):
            family.add(case, CaseResult(2, (StepResult("ns/a"), self.wrong)), 0.5, show=3)
        assert family.counts() == {"cases": 3, "cases_passed": 1, "steps": 5, "steps_passed": 3}
        assert family.seconds == 1.5
        assert family.problems == [
            "taints-2: step 2 (ns/b): chosen: expected 'n1', found 'n2'",
            "taints-2: step 2 (ns/b): feasible: expected 1, found 2",
            "taints-3: step 2 (ns/b): chosen: expected 'n1', found 'n2'",
        ]

    def test_aspects_are_counted_apart(self) -> None:
        family = Family("quota")
        steps = (
            StepResult("POST /a", (), {"code": True, "whole": True}),
            StepResult("POST /b", (Difference("body", 1, 2),), {"code": True, "whole": False}),
        )
        family.add("quota-1", CaseResult(2, steps), 0.5, show=0)
        family.add(
            "quota-2",
            CaseResult(1, (StepResult("POST /c", (), {"code": False, "whole": False}),)),
            0.5,
            show=0,
        )
        assert family.counts() == {
            "cases": 2, "cases_passed": 1, "steps": 3, "steps_passed": 2, "code": 2, "whole": 1,
        }  # fmt: skip

    def test_an_aspect_that_never_agrees_is_still_listed(self) -> None:
        family = Family("quota")
        family.add("quota-1", CaseResult(1, (StepResult("POST /a", (), {"code": False}),)), 0.5, show=0)
        assert family.counts()["code"] == 0
        assert report([family, Family("taints", 1, 1, 1, 1)]).splitlines()[0].split() == [
            "FAMILY", "CASES", "STEPS", "CODE", "TIME",
        ]  # fmt: skip
        assert report([family, Family("taints", 1, 1, 1, 1)]).splitlines()[2].split()[3] == "-"
