"""The native core: columns of nodes and pods, and the kernels that filter and score them.

What the Python side of the engine may use of it:

- ``core.Core``: one engine's state (``nodes``, ``pods``, ``reasons``, ``topology``, ``nominations``); ``place``,
  ``fill``, ``bind``, ``unbind``, ``hold`` and ``set_node`` are the only ways to change it.
- ``nodes.NodeTable``, ``podinfo.PodInfo``, ``topology.AffinityTerm``: a node table, a pod's interned resource
  footprint, and a compiled label selector.
- ``podclass.PodClass``: pods that cannot be told apart, and their columns. Its verdicts and totals are true as of its
  last ``catch_up()``, and of nothing later.
- ``plugin.FilterPlugin``, ``plugin.ScorePlugin``, and the kernels in ``plugins``: one rule compiled for one class.
  They keep no reference to Python objects of the engine after ``release()``.
- ``preemption.DryRun``: the simulation of evictions. It leaves the state as it found it.
- ``bulk``: many bound pods in one call.

Slots are indices of nodes and are reused once a node is removed; rows of the reason table never change. No call is
safe beside another one on the same engine: :mod:`kschedcore.engine.exclusive` serialises them. Other modules
(``columns``, ``labels``, ``scores``, ``selectors``, ``shared``, ``slotset``, ``tournament``) serve the native side
only. The stubs (``.pyi``) are checked against the compiled modules by ``tests/engine/test_stubs.py``.
"""
