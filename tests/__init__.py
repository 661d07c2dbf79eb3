"""The laws.  A package, so that no other module named tests can stand before it."""
