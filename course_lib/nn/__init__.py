"""Building blocks that several papers share.

A block moves here when a second paper needs it. Until then it stays in the folder of its paper.
"""
