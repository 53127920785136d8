"""The table of hostile inputs: what is wrong -> (a manifest, the message it is refused with).

Messages are without the file; an expected text that ends in ``…`` is a prefix.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

__all__ = ["BOMB", "TABLE", "flow", "pod"]

Case = tuple[str | bytes, str]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

POD = "document 1: line 1: Pod default/p: "
NOT_A_QUANTITY = "expected a quantity such as 250m or 64Mi: quantities must match the regular expression…"


def flow(kind: str, name: str, **fields: Any) -> str:
    """An object on one line."""
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields})


CONTAINER = {"name": "c", "image": "app"}


def pod(**spec: Any) -> str:
    return "--- " + flow("Pod", "p", spec={"containers": [CONTAINER], **spec})


def requesting(cpu: str) -> str:
    return f"""\
apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
  - name: c
    image: app
    resources:
      requests:
        cpu: {cpu}
"""


def named(metadata: str) -> str:
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  {metadata}\n"


def node(taints: Any = (), unschedulable: Any = None, **allocatable: Any) -> str:
    spec = {"taints": list(taints), "unschedulable": unschedulable}
    return "--- " + flow("Node", "n1", spec=spec, status={"allocatable": allocatable})


def node_affinity(**requirement: Any) -> str:
    terms = [{"matchExpressions": [requirement]}]
    return pod(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}})


def spread(**fields: Any) -> str:
    whole = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **fields}
    return pod(topologySpreadConstraints=[{k: v for k, v in whole.items() if v is not None}])


def deployment(spec: str) -> str:
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  {spec}\n"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
REQUEST = "document 1: line 11: Pod default/p: spec.containers[0].resources.requests[cpu]: "
AFFINITY = f"{POD}spec.affinity.nodeAffinity.{REQUIRED}"
EXPRESSION = f"{AFFINITY}.nodeSelectorTerms[0].matchExpressions[0]"
SPREAD = f"{POD}spec.topologySpreadConstraints[0]"

QUANTITIES: dict[str, Case] = {
    "words": (requesting("lots"), f'{REQUEST}found the string "lots", {NOT_A_QUANTITY}'),
    "unknown suffix": (requesting("64MB"), f'{REQUEST}found the string "64MB", {NOT_A_QUANTITY}'),
    "two points": (requesting("1.2.3"), f'{REQUEST}found the string "1.2.3", {NOT_A_QUANTITY}'),
    "empty": (requesting('""'), f'{REQUEST}found the string "", {NOT_A_QUANTITY}'),
    "endless": (requesting("9" * 9_999 + "x"), f'{REQUEST}found the string "{"9" * 59}…", {NOT_A_QUANTITY}'),
    "negative": (requesting("-1"), f'{REQUEST}Invalid value: "-1": must be greater than or equal to 0'),
    "a list": (requesting("[1]"), f"{REQUEST}found a list, expected a string or a number"),
    "a boolean": (requesting("yes"), f"{REQUEST}found true, expected a string or a number"),
    "not a number": (requesting(".nan"), "document 1: line 11: .nan is no number that JSON can express"),
    "infinite": (requesting("-.inf"), "document 1: line 11: -.inf is no number that JSON can express"),
    "of a node": (
        node(memory="-1Gi"),
        "document 1: line 1: Node n1: status.allocatable[memory]: "
        'Invalid value: "-1Gi": must be greater than or equal to 0',
    ),
    "of a storage capacity": (
        "--- " + flow("CSIStorageCapacity", "c", capacity="lots"),
        "document 1: line 1: CSIStorageCapacity default/c: capacity: "
        'Invalid value: "lots": quantities must match the regular expression…',
    ),
    "of what was granted": (
        "--- " + flow("Pod", "p", status={"containerStatuses": [{"allocatedResources": {"cpu": "-1"}}]}),
        f"{POD}status.containerStatuses[0].allocatedResources[cpu]: "
        'Invalid value: "-1": must be greater than or equal to 0',
    ),
    "of a resource with a bad name": (
        pod(overhead={"a b": 1}),
        f'{POD}spec.overhead.limits[a b]: Invalid value: "a b": name part must consist of…',
    ),
    "in a template": (
        deployment("template: {spec: {containers: [{resources: {requests: {memory: big}}}]}}"),
        "document 1: line 6: Deployment default/web: "
        f'spec.template.spec.containers[0].resources.requests[memory]: found the string "big", {NOT_A_QUANTITY}',
    ),
}

IDENTITIES: dict[str, Case] = {
    "no name": (named("labels: {}"), "document 1: line 3: Pod: metadata.name: is missing; expected a name"),
    "null name": (named("name: null"), "document 1: line 4: Pod: metadata.name: is missing; expected a name"),
    "generated name": (
        named("generateName: web-"),
        "document 1: line 3: Pod: metadata.name: is missing; expected a name; "
        "generateName is for the API server alone",
    ),
    "a number for a name": (
        named("name: 3"),
        "document 1: line 4: Pod: metadata.name: found the number 3, expected a name: a name is a string",
    ),
    "a template's label has a blank": (
        deployment("selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b, c: d e}}}"),
        "document 1: line 7: Deployment default/web: spec.template.labels: "
        'Invalid value: "d e": a valid label must be…',
    ),
    "a name that is a boolean": (
        named("name: n"),
        "document 1: line 4: Pod: metadata.name: found false, expected a name: a name is a string",
    ),
    "capitals": (
        named("name: Web"),
        'document 1: line 4: Pod default/Web: metadata.name: Invalid value: "Web": a lowercase RFC 1123…',
    ),
    "bad namespace": (
        named("{name: p, namespace: a.b}"),
        'document 1: line 4: Pod: metadata.namespace: found the string "a.b", expected a namespace: '
        "must not contain dots",
    ),
    "metadata is text": (
        "apiVersion: v1\nkind: Pod\nmetadata: p\n",
        'document 1: line 3: Pod: metadata: found the string "p", expected an object',
    ),
    "kind is a number": (
        "apiVersion: v1\nkind: 3\nmetadata: {name: p}\n",
        "document 1: line 2: kind: found the number 3, expected a name",
    ),
    "no kind": ("apiVersion: v1\nmetadata: {name: p}\n", "document 1: line 1: kind: is missing"),
    "misspelt version": (
        "kind: Pod\napiversion: v1\nmetadata: {name: p}\n",
        "document 1: line 2: Pod: apiVersion: is missing; "
        "did you mean 'apiVersion' where it says 'apiversion'?",
    ),
    "a label's value is a number": (
        named("{name: p, labels: {a: 1}}"),
        "document 1: line 4: Pod default/p: metadata.labels[a]: found the number 1, expected a string",
    ),
    "a label's value has a blank": (
        named("{name: p, labels: {a: b c}}"),
        'document 1: line 4: Pod default/p: metadata.labels: Invalid value: "b c": a valid label…',
    ),
    "a label's key has a blank": (
        named("{name: p, labels: {a b: c}}"),
        'document 1: line 4: Pod default/p: metadata.labels: Invalid value: "a b": name part must…',
    ),
}

SHAPES: dict[str, Case] = {
    "text for an object": (
        "just some words",
        "document 1: line 1: found a string, expected an object with apiVersion, kind and metadata",
    ),
    "a list for an object": (
        "- a\n- b\n",
        "document 1: line 1: found a list, expected an object with apiVersion, kind and metadata",
    ),
    "spec is text": (
        "--- " + flow("Pod", "p", spec="x"),
        f'{POD}spec: found the string "x", expected an object',
    ),
    "containers is an object": (
        pod(containers={"name": "c"}),
        f"{POD}spec.containers: found an object, expected a list",
    ),
    "a dash stuck to its key": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    -name: c\n",
        "document 1: line 5: Pod default/p: spec.containers: found an object, expected a list; "
        "is the space after the dash of '-name' missing?",
    ),
    "image is a number": (
        pod(containers=[{"name": "c", "image": 5}]),
        f"{POD}spec.containers[0].image: found the number 5, expected a string",
    ),
    "priority of 33 bits": (
        pod(priority=2**32),
        f"{POD}spec.priority: found the number 4294967296, expected an integer of 32 bits",
    ),
    "priority beyond everything": (
        pod(priority=10**400),
        f"{POD}spec.priority: found the…",
    ),
    "fewer replicas than none": (
        deployment("replicas: -1"),
        "document 1: line 6: Deployment default/web: spec.replicas: Invalid value: -1: must be…",
    ),
    "half a replica": (
        deployment("replicas: 1.5"),
        "document 1: line 6: Deployment default/web: spec.replicas: "
        "found the number 1.5, expected an integer of 32 bits",
    ),
    "items is no list": (
        "apiVersion: v1\nkind: List\nitems: {a: b}\n",
        "document 1: line 3: List: items: found an object, expected a list",
    ),
    "no items": (
        "apiVersion: v1\nkind: List\n",
        "document 1: line 1: List: items: is missing; expected a list of objects",
    ),
    "an item is text": (
        "apiVersion: v1\nkind: List\nitems:\n- a\n",
        "document 1: line 4: items[0]: found a string, expected an object with apiVersion, kind and metadata",
    ),
    "an item without a name": (
        "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- metadata: {}\n",
        "document 1: line 5: ConfigMap: items[1].metadata.name: is missing; expected a name",
    ),
    "a field in an item": (
        "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: p}\n  spec:\n    priority: high\n",
        "document 1: line 6: Pod default/p: spec.priority: "
        'found the string "high", expected an integer of 32 bits',
    ),
}

RULES: dict[str, Case] = {
    "host port": (
        pod(containers=[{**CONTAINER, "ports": [{"containerPort": 80, "hostPort": 70_000}]}]),
        f"{POD}spec.containers[0].ports[0].hostPort: Invalid value: 70000: must be between…",
    ),
    "protocol": (
        pod(containers=[{**CONTAINER, "ports": [{"containerPort": 80, "protocol": "HTTP"}]}]),
        f'{POD}spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported…',
    ),
    "taint effect": (
        node([{"key": "a", "effect": "NoRun"}]),
        "document 1: line 1: Node n1: spec.taints[0].effect: "
        'Unsupported value: "NoRun": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ),
    "taint without a key": (
        node([{"effect": "NoSchedule"}]),
        "document 1: line 1: Node n1: spec.taints[0].key: is missing; expected a string",
    ),
    "unschedulable": (
        node(unschedulable="maybe"),
        'document 1: line 1: Node n1: spec.unschedulable: found the string "maybe", expected true or false',
    ),
    "toleration operator": (
        pod(tolerations=[{"key": "a", "operator": "Equals"}]),
        f'{POD}spec.tolerations[0].operator: Unsupported value: "Equals": supported…',
    ),
    "toleration with a value that never counts": (
        pod(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
        f'{POD}spec.tolerations[0].operator: Invalid value: "b": value must be empty…',
    ),
    "toleration without a key": (
        pod(tolerations=[{"operator": "Equal", "value": "b"}]),
        f'{POD}spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when…',
    ),
    "node selector's value": (
        pod(nodeSelector={"ssd": True}),
        f"{POD}spec.nodeSelector[ssd]: found true, expected a string",
    ),
    "operator": (
        node_affinity(key="a", operator="in", values=["b"]),
        f'{EXPRESSION}.operator: Invalid value: "in": not a valid selector operator',
    ),
    "one of none": (
        node_affinity(key="a", operator="In"),
        f"{EXPRESSION}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ),
    "existing values": (
        node_affinity(key="a", operator="Exists", values=["b"]),
        f"{EXPRESSION}.values: Forbidden: may not be specified…",
    ),
    "a list of terms where an object of them stands": (
        pod(affinity={"nodeAffinity": {REQUIRED: []}}),
        f"{AFFINITY}: found a list, expected an object",
    ),
    "weight": (
        pod(affinity={"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}}),
        f"{POD}spec.affinity.nodeAffinity.{PREFERRED}[0].weight: "
        "Invalid value: 101: must be in the range 1-100",
    ),
    "topology key": (
        pod(affinity={"podAntiAffinity": {REQUIRED: [{"labelSelector": {}}]}}),
        f"{POD}spec.affinity.podAntiAffinity.{REQUIRED}[0].topologyKey: Required value: can not…",
    ),
    "skew": (spread(maxSkew=0), f"{SPREAD}.maxSkew: Invalid value: 0: must be greater than zero"),
    "no skew": (spread(maxSkew=None), f"{SPREAD}.maxSkew: Invalid value: 0: must be greater than zero"),
    "when unsatisfiable": (
        spread(whenUnsatisfiable="Never"),
        f'{SPREAD}.whenUnsatisfiable: Unsupported value: "Never": supported…',
    ),
    "minimum of domains without need": (
        spread(whenUnsatisfiable="ScheduleAnyway", minDomains=2),
        f"{SPREAD}.minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule…",
    ),
    "spread policy": (
        spread(nodeTaintsPolicy="Maybe"),
        f'{SPREAD}.nodeTaintsPolicy: Unsupported value: "Maybe": supported…',
    ),
    "gate": (
        pod(schedulingGates=["wait"]),
        f'{POD}spec.schedulingGates[0]: found the string "wait", expected an object',
    ),
}

YAML: dict[str, Case] = {
    "tab": (
        "apiVersion: v1\nmetadata:\n\tname: p\n",
        "document 1: line 3: not valid YAML: indented with a tab; YAML allows only spaces",
    ),
    "fault in the second document": (
        f"{pod()}\n---\nkind: [Pod\n",
        "document 2: line 4: not valid YAML: did not find expected ',' or ']'",
    ),
    "a template left as it was": (
        "kind: {{ .Values.kind }}\n",
        "document 1: line 1: a mapping's key is an object; expected a string; was a template left unrendered?",
    ),
    "a tag that makes objects": (
        "kind: !!python/object/apply:os.getcwd []\n",
        "document 1: line 1: a tag has no meaning in a manifest; text that begins with '!' needs quotes",
    ),
    "alias of nothing": (
        "kind: *pod\n",
        "document 1: line 1: an alias refers to no earlier anchor; text that begins with '*' needs quotes",
    ),
    "alias of itself": (
        "a: &a [*a]\n",
        "document 1: line 1: an alias refers to a node that contains it; text that begins with '*' needs quotes",
    ),
    "merged list": ("a:\n  <<: [1]\n", "document 1: line 2: '<<' brings in something other than mappings"),
    "alias bomb": (BOMB, "document 1: line 7: its aliases expand to more than 2,000,000 values"),
    "deep": ("- " * 300_000, "document 1: line 1: nested more than 400 levels deep"),
    "deep blocks": (
        "".join(f"{'  ' * depth}a:\n" for depth in range(500)),
        "document 1: line 401: nested more than 400 levels deep",
    ),
    "control character": (
        "kind: Pod\nname: \x07\n",
        "document 1: line 2: holds the control character 0x07",
    ),
}

JSON: dict[str, Case] = {
    "cut off": ('{"apiVersion": "v1", "kind": ', "document 1: line 1: not valid JSON: Expecting value"),
    "cut off in the second document": (
        f'{flow("Pod", "p")}\n{{"kind": \n',
        "document 2: line 3: not valid JSON: Expecting value",
    ),
    "comma at the end": (
        '{"kind": "Pod",\n}',
        "document 1: line 2: not valid JSON: Expecting property name enclosed in double quotes",
    ),
    "not a number": (
        '{"a": NaN}',
        "document 1: line 1: not valid JSON: NaN is no number that JSON can express",
    ),
    "infinite": (
        '{"a": 1e999}',
        "document 1: line 1: not valid JSON: 1e999 is no number that JSON can express",
    ),
    "deep objects": ('{"a":' * 100_000, "document 1: line 1: nested too deeply"),
    "deep lists": ("[" * 100_000, "document 1: line 1: nested too deeply"),
    "a field in an item": (
        flow("List", "l", items=[json.loads(flow("Pod", "p", spec={"priority": "high"}))]),
        'document 1: Pod default/p: spec.priority: found the string "high", expected an integer of 32 bits',
    ),
}

BYTES: dict[str, Case] = {
    "NUL bytes": (b"kind: Pod\0", "holds NUL bytes; expected a manifest"),
    "Latin-1": (b"kind: Pod\nname: caf\xe9\n", "line 2: byte 0xe9 is not UTF-8 text; expected a manifest"),
    "UTF-16": ("kind: Pod".encode("utf-16"), "is UTF-16 text; expected UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "line 1: byte 0x89 is not UTF-8 text; expected a manifest"),
    "10 MB of garbage": (
        bytes(range(1, 256)) * 40_000,
        "line 2: byte 0x80 is not UTF-8 text; expected a manifest",
    ),
    "10 MB of words": (b"lorem ipsum " * 850_000, "document 1: line 1: found a string, …"),
    "10 MB of opening braces": (b"{" * 10_000_000, "document 1: line 1: …"),
    "cut off gzip": (gzip.compress(pod().encode(), mtime=0)[:-12], "not a complete gzip file: …"),
    "gzip in name only": (b"\x1f\x8b" + b"x" * 50, "not a complete gzip file: …"),
    "gzip with something after it": (
        gzip.compress(pod().encode(), mtime=0) + b"junk",
        "not a complete gzip file: …",
    ),
}

GROUPS: dict[str, dict[str, Case]] = {
    "quantity": QUANTITIES,
    "identity": IDENTITIES,
    "shape": SHAPES,
    "rule": RULES,
    "YAML": YAML,
    "JSON": JSON,
    "bytes": BYTES,
}

TABLE = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}
