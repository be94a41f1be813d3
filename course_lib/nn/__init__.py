"""Building blocks that several papers share: residual and hourglass blocks, U-Nets, gradient reversal.

Empty so far: a block moves here when a second paper needs it. Until then it stays in the folder of its paper.
"""
