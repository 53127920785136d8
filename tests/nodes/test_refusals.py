"""Node agents reach the same result when some of their requests are rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, Response, Transport

from .world import Object, World, container

REFUSALS: tuple[Object, ...] = (
    {"kind": "Status", "code": 409, "reason": "Conflict", "message": "the object has been modified"},
    {"kind": "Status", "code": 500, "reason": "InternalError", "message": "etcdserver: request timed out"},
)


class MoodyTransport:
    """Refuses some of what agents write, by the number of the request.

    Attributes:
        refusals: Which requests are refused, and how.
        request_count: Number of requests that agents have sent.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.refusals: Mapping[int, int] = {}
        self.request_count = 0

    def send(self, request: Request) -> Response:
        if request.user_agent == "kubelet":
            self.request_count += 1
            if (refusal := self.refusals.get(self.request_count)) is not None:
                return Response(REFUSALS[refusal]["code"], REFUSALS[refusal])
        return self.transport.send(request)


class MoodyWorld(World):
    def make_transport(self, server: APIServer) -> Transport:
        self.transport = MoodyTransport(server)
        return self.transport


BEHAVIOURS: list[dict[str, Any]] = [
    # Early in a second, so that trying again a little later is still the same second of the API's times.
    {
        "match": {"pod": "crash"},
        "start": {"seconds": 0.2, "jitter": 0},
        "runs": [{"seconds": 3, "exitCode": 1}],
    },
    {"match": {"pod": "batch"}, "start": {"seconds": 0.2, "jitter": 0}, "runs": [{"seconds": 7}]},
    {"start": {"seconds": 0.2, "jitter": 0}, "stop": {"seconds": 2}},
]


# Of a pod that is refused seven times the last try is 635 ms late, still within the second.
@given(st.dictionaries(st.integers(1, 60), st.integers(0, 1), max_size=7))
@settings(max_examples=40)
def test_refused_requests_are_made_again(refusals: dict[int, int]) -> None:
    def history(refusals: Mapping[int, int]) -> list[Any]:
        world = MoodyWorld(*BEHAVIOURS, nodes=2)
        world.transport.refusals, world.transport.request_count = refusals, 0
        world.run("crash")
        world.run("batch", node="node-2", restartPolicy="Never")
        world.run("service", node="node-2", initContainers=[container("init")])
        world.run("kept", metadata={"finalizers": ["example.com/keep"]})
        world.run(
            "unfit", containers=[container(resources={"requests": {"cpu": "100"}, "limits": {"cpu": "100"}})]
        )
        for moment in (4, 9, 12, 40):
            world.to(moment)
            if moment == 9:
                for name in ("service", "kept", "unfit"):
                    world.delete(name)
        world.to(50)
        names = ("crash", "batch", "service", "kept", "unfit")
        return [world.status(name) if world.exists(name) else None for name in names]

    assert history(refusals) == history({})
