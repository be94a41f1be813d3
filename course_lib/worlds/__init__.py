"""Procedural data with known factors: glyphs, hands, people, streets and faces, drawn in batches on the device.

Empty so far: lesson 05 brings `sample_factors(n, generator)` and `render(factors)` for each world.
"""
