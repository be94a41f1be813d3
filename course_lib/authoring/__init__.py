"""Tools for authors and teachers: rebuild notebooks, lint lessons, hand-outs, the repository's address."""
