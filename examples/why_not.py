"""Show why a pod fits no node, and the nodes that lack the least, as a table.

Usage: python examples/why_not.py NAMESPACE/POD cluster.yaml app.yaml
"""

from __future__ import annotations

import sys

import kschedcore as ks


def main(name: str, paths: list[str]) -> None:
    """Explain one pending pod: rejections by plugin, then the scores of what is left."""
    cluster = ks.load(*paths)
    engine = ks.Engine(cluster)
    pod = next(pod for pod in cluster.pending if f"{pod.metadata.namespace}/{pod.metadata.name}" == name)
    explanation = engine.explain(pod)

    for node, rejection in explanation.verdicts.items():
        if rejection is not None:
            print(f"{node}: {rejection.plugin} says {', '.join(rejection.reasons)}")
    for node, total in sorted(explanation.totals.items(), key=lambda item: -item[1]):
        print(
            f"{node}: {total}", {plugin: score.weighted for plugin, score in explanation.scores[node].items()}
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
