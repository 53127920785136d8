"""The native core: columns of nodes and pods, and the kernels that filter and score them.

The interface for the Python side of the engine:

- ``core.Core``: one engine's state (``nodes``, ``pods``, ``reasons``, ``topology``, ``nominations``); ``place``,
  ``fill``, ``bind``, ``unbind``, ``hold`` and ``set_node`` are the only ways to change it.
- ``nodes.NodeTable``, ``podinfo.PodInfo``, ``topology.AffinityTerm``: a node table, a pod's interned resource
  footprint, and a compiled label selector.
- ``podclass.PodClass``: pods that the scheduler treats alike, and their columns. Verdicts and totals are as of the
  last ``catch_up()``.
- ``plugin.FilterPlugin``, ``plugin.ScorePlugin``, and the kernels in ``plugins``: one rule compiled for one class.
  They keep no reference to Python objects of the engine after ``release()``.
- ``preemption.DryRun``: the simulation of evictions. It leaves the state as it found it.
- ``bulk``: many bound pods in one call.

Slots are indices of nodes and are reused once a node is removed; rows of the reason table never change. No call is
safe while another runs on the same engine: :mod:`kschedcore.engine.exclusive` serialises them. Other modules
(``columns``, ``labels``, ``scores``, ``selectors``, ``shared``, ``slotset``, ``tournament``) are internal.
The stubs (``.pyi``) are checked against the compiled modules by ``tests/engine/test_stubs.py``.
"""
