"""Manifests from files, folders and standard input, in every form they come in."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.loading import Document, read_documents
from kschedcore.manifests.manifests import Manifests

Json = dict[str, Any]

CONTAINER = {"name": "c", "image": "app"}


def config_map(name: str, **fields: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def documents(data: bytes) -> list[Document]:
    return list(read_documents(["-"], io.BytesIO(data)))


def names(data: bytes | str) -> list[str]:
    text = data.encode() if isinstance(data, str) else data
    return [name for _, _, name in Manifests.load("-", stdin=io.BytesIO(text)).objects]


LIST = {"apiVersion": "v1", "kind": "List"}
KINDLESS = [{"metadata": {"name": "one"}}, {"metadata": {"name": "two"}}]
ONE, TWO = json.dumps(config_map("one")), json.dumps(config_map("two"), indent=2)


@pytest.mark.parametrize(
    "data",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE}{TWO}",
        f"\ufeff{ONE}\n\n{TWO}",
        f"{ONE}\n---\n{TWO}",
        f"---\n{ONE}\n---\n---\n{TWO}\n...\n",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n---\n" + TWO,
        json.dumps({**LIST, "items": [config_map("one"), config_map("two")]}),
        json.dumps({"apiVersion": "v1", "kind": "ConfigMapList", "items": KINDLESS}),
        json.dumps({**LIST, "items": [{**LIST, "items": [config_map("one")]}, config_map("two")]}),
        gzip.compress(f"{ONE}\n{TWO}".encode(), mtime=0),
        gzip.compress(ONE.encode(), mtime=0) + gzip.compress(TWO.encode(), mtime=0),
    ],
    ids=str,
)  # fmt: skip
def test_two_objects_in_every_form(data: bytes | str) -> None:
    assert names(data) == ["one", "two"]


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3), max_size=4
    )
)
def test_json_in_a_row_reads_back(contents: list[Json]) -> None:
    text = "\n".join(json.dumps(content) for content in contents)
    assert [document.data for document in documents(text.encode())] == contents


def test_documents_know_where_they_stand() -> None:
    first, second = documents(b"# c\nkind: A\n---\n\nkind: B\nspec:\n  x: 1\n")
    assert (first.source, first.number, first.line) == ("<stdin>", 1, 2)
    assert (second.number, second.line, second.line_of(["spec", "x"])) == (2, 5, 7)


def test_a_folder_is_read_by_name_and_not_into_its_folders(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(TWO)
    (tmp_path / "a.yaml").write_text(ONE)
    (tmp_path / "c.yml.gz").write_bytes(gzip.compress(json.dumps(config_map("three")).encode()))
    (tmp_path / "README.md").write_text("not a manifest")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "d.yaml").write_text("kind: [")
    assert [name for _, _, name in Manifests.load(tmp_path).objects] == ["one", "two", "three"]


def test_sources_come_in_the_order_given(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_text(TWO)
    loaded = Manifests.load(str(file), "-", stdin=io.BytesIO(ONE.encode()))
    assert [name for _, _, name in loaded.objects] == ["two", "one"]


def test_objects_of_unknown_kinds_are_kept_whole() -> None:
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"size": [1]},
    }
    loaded = Manifests.from_objects([widget])
    assert loaded.others == [{**widget, "metadata": {"name": "w", "namespace": "default"}}]


def test_a_kind_of_another_group_is_another_kind() -> None:
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]},
    }
    foreign = {**service, "apiVersion": "serving.knative.dev/v1", "spec": {"selector": 7}}
    loaded = Manifests.from_objects([service, foreign])
    assert list(loaded.objects) == [
        ("Service", "default", "web"),
        ("Service.serving.knative.dev", "default", "web"),
    ]
    assert [kind for kind, _ in loaded.listed] == ["Service"]


def test_a_custom_kind_that_ends_in_list_is_an_object() -> None:
    allowed = {"apiVersion": "example.com/v1", "kind": "AllowList", "metadata": {"name": "a"}, "spec": {}}
    assert [name for _, _, name in Manifests.from_objects([allowed]).objects] == ["a"]


def test_a_configuration_is_no_object_of_the_cluster() -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [],
    }
    assert Manifests.from_objects([config]).config == config
    with pytest.raises(ManifestError, match="is defined a second time; the first is in <objects> document 1"):
        Manifests.from_objects([config, {**config, "profiles": [{}]}])


def test_a_later_document_replaces_an_earlier_one() -> None:
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"priority": n, "containers": [CONTAINER]},
        }
        for n in (0, 0)
    ]
    pods[1]["metadata"] = {"name": "p", "labels": {"app": "b"}}
    loaded = Manifests.from_objects(pods)
    assert [each.metadata.labels for each in loaded.pending] == [{"app": "b"}]
    assert loaded.warnings == ["<objects>: Pod default/p replaces the one in <objects> document 1"]


def test_namespaces_are_spelled_out_where_there_are_any() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    loaded = Manifests.from_objects([pod, node], namespace="shop")
    assert list(loaded.objects) == [("Pod", "shop", "p"), ("Node", "", "n")]
    assert loaded.pending[0].metadata.namespace == "shop"
    assert loaded.raw(loaded.pending[0])["metadata"] == {"name": "p", "namespace": "shop"}
    assert loaded.raw(loaded.nodes[0]) is loaded.objects["Node", "", "n"]


def test_a_pod_that_is_yet_to_be_made_has_no_manifest() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}},
    }
    loaded = Manifests.from_objects([job])
    with pytest.raises(NotFoundError, match="Pod 'j-0' does not stand in the manifests"):
        loaded.raw(loaded.pending[0])


def test_what_was_loaded_shows_itself() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}},
    }
    loaded = Manifests.from_objects([job, config_map("a")])
    assert repr(loaded) == "<Manifests: 1 ConfigMap, 1 Job; 0 pods bound, 1 pending>"
    assert "<tr><td>Job</td><td>1</td></tr>" in loaded._repr_html_()
    assert repr(Manifests()) == "<Manifests: nothing; 0 pods bound, 0 pending>"


def test_a_recorded_cluster_may_leave_kinds_out() -> None:
    loaded = Manifests.from_cluster(
        {
            "nodes": [{"metadata": {"name": "n"}}],
            "pods": [{"metadata": {"name": "p"}, "spec": {"nodeName": "n"}}],
            "storageClasses": [{"metadata": {"name": "s"}, "provisioner": "x"}],
            "config": {"profiles": []},
        }
    )
    assert [node.metadata.name for node in loaded.nodes] == ["n"]
    assert [pod.metadata.name for pod in loaded.bound] == ["p"]
    assert [kind for kind, _ in loaded.listed] == ["StorageClass"]
    assert loaded.config == {"profiles": []}
