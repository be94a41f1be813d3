"""Procedural data with known factors, drawn in batches on the device: one package for each world.

`from course_lib.worlds import hands`, then `f = hands.sample_factors(32, generator=g)` and `hands.render(f, size=64)`;
likewise `people`, `streets`, `faces` and `glyphs`.
"""
