"""Networks as interacting fields: an ensemble of one's own.

- `own_ensemble`  The networks, their exact cumulants, and right and wrong ways to draw them.
- `six`  The assignment *Six points from four*.
"""
