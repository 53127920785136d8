"""In-tree volumes count as volumes of the CSI drivers that replaced them (KEP-625, NodeVolumeLimits)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod
from tests.engine.storage import claim, csi_node, storage_class, uses, volume

from kschedcore import Engine

Json = dict[str, Any]

EBS, GCE, AZURE = "ebs.csi.aws.com", "pd.csi.storage.gke.io", "disk.csi.azure.com"
CINDER, PORTWORX = "cinder.csi.openstack.org", "pxd.portworx.com"
TOO_MANY = "1 node(s) exceed max volume count"


def limited(driver: str, limit: int = 1, **options: Any) -> Engine:
    engine = Engine(**options)
    engine.set_node(node("n"))
    engine.set_object(csi_node("n", limit, driver))
    return engine


def with_volume(name: str, source: Json) -> Json:
    return pod(name, volumes=[{"name": "v", **source}])


def placed(engine: Engine, *pods: Json) -> list[str | None]:
    """Return a node or the message of each pod, decided in turn."""
    decisions = [engine.schedule([each])[0] for each in pods]
    return [each.node or each.message.partition(".")[0] for each in decisions]


@pytest.mark.parametrize(
    ("driver", "first", "same", "other"),
    [
        (
            EBS,
            {"awsElasticBlockStore": {"volumeID": "vol-1"}},
            # A volume of AWS attaches to one pod at a time, so that sharing shows in another spelling of its id.
            {"awsElasticBlockStore": {"volumeID": "aws://zone-a/vol-1"}},
            {"awsElasticBlockStore": {"volumeID": "aws:///vol-2"}},
        ),
        (
            GCE,
            {"gcePersistentDisk": {"pdName": "a", "readOnly": True}},
            {"gcePersistentDisk": {"pdName": "a", "readOnly": True}},
            {"gcePersistentDisk": {"pdName": "b", "readOnly": True}},
        ),
        (
            AZURE,
            {"azureDisk": {"diskName": "a", "diskURI": "/a", "kind": "Managed"}},
            {"azureDisk": {"diskName": "x", "diskURI": "/a"}},
            {"azureDisk": {"diskName": "a", "diskURI": "/b", "kind": "managed"}},
        ),
        (CINDER, {"cinder": {"volumeID": "a"}}, {"cinder": {"volumeID": "a"}}, {"cinder": {"volumeID": "b"}}),
        (
            PORTWORX,
            {"portworxVolume": {"volumeID": "a"}},
            {"portworxVolume": {"volumeID": "a"}},
            {"portworxVolume": {"volumeID": "b"}},
        ),
    ],
)
def test_disks_of_pods_count_once_each(driver: str, first: Json, same: Json, other: Json) -> None:
    engine = limited(driver)
    answers = placed(engine, *(with_volume(f"p{i}", each) for i, each in enumerate((first, same, other))))
    assert answers == ["n", "n", f"0/1 nodes are available: {TOO_MANY}"]


@pytest.mark.parametrize(
    "source",
    [
        {"azureDisk": {"diskName": "a", "diskURI": "/a", "kind": "Shared"}},
        {"azureFile": {"secretName": "s", "shareName": "a"}},
        {"vsphereVolume": {"volumePath": "a"}},
        {"awsElasticBlockStore": {"volumeID": "aws://zone-a/unknown"}},
        {"emptyDir": {}},
    ],
)
@pytest.mark.parametrize("driver", [EBS, AZURE, "file.csi.azure.com", "csi.vsphere.vmware.com"])
def test_what_is_not_counted(source: Json, driver: str) -> None:
    assert placed(limited(driver, 0), with_volume("p", source)) == ["n"]


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        ({}, True),
        ({"topology.kubernetes.io/zone": "us-a1-x"}, False),
        ({"failure-domain.beta.kubernetes.io/zone": "us-a1-x__us-a1-y"}, False),
    ],
)
def test_a_volume_is_the_disk_in_its_zone(labels: dict[str, str], counts: bool) -> None:
    """A pod's own disk has no zone: it is the same volume as one without a zone, and counts beside any other."""
    engine = limited(GCE)
    disk = volume("pv")
    disk["spec"] = {key: value for key, value in disk["spec"].items() if key not in ("csi", "local")}
    disk["spec"]["gcePersistentDisk"] = {"pdName": "a"}
    disk["metadata"]["labels"] = labels
    engine.set_object(disk)
    engine.set_object(claim("c", bound_to="pv"))
    engine.add_pod(pod("there", nodeName="n", volumes=uses("c")))
    own = with_volume("p", {"gcePersistentDisk": {"pdName": "a", "readOnly": True}})
    assert (placed(engine, own) == ["n"]) is counts


def test_a_class_of_an_in_tree_provisioner_counts_for_its_driver() -> None:
    engine = limited(EBS)
    engine.set_object(storage_class("wait", "kubernetes.io/aws-ebs"))
    for name in ("a", "b"):
        engine.set_object(claim(name))
    answers = placed(engine, pod("p", volumes=uses("a")), pod("q", volumes=uses("b")))
    assert answers == ["n", f"0/1 nodes are available: {TOO_MANY}"]


def test_portworx_needed_an_annotation_of_the_node_in_v134() -> None:
    engine = limited(PORTWORX, 0, kubernetes="1.34")
    assert placed(engine, with_volume("p", {"portworxVolume": {"volumeID": "a"}})) == ["n"]
