"""Sphinx extension: keep what Jupyter Book adds for live pages out of the book.

Jupyter Book always loads sphinx-thebe, which writes the address of a script on another host into every page (and a
console error when it does so twice). The course runs in notebooks, not in the page, so its hooks are unplugged.
"""


def unplug_thebe(app, config) -> None:
    """Remove every hook of sphinx-thebe."""
    for event, listeners in app.events.listeners.items():
        kept = [listener for listener in listeners if not listener.handler.__module__.startswith("sphinx_thebe")]
        app.events.listeners[event] = kept


def setup(app) -> dict:
    """Unplug once all extensions are loaded."""
    app.connect("config-inited", unplug_thebe, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
