"""Lattice fields: an action of one's own.

- `own_action`  The action, and its exact averages on two by two sites.
- `machines`  Right and wrong trajectories, which stay outside of the sandbox.
- `machine`  The assignment *A machine of your own*.
"""
