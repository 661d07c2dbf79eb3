"""Part six: phase transitions in learning.  When is a jump a transition?

Read `changes` first: is there a jump at all, by a test whose null is stated; `partitions`: where are the levels of a
staircase; `metrics`: does the network jump, or its marks; `rules`: what detectors without a null find in noise.
"""
