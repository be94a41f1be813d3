"""Sphinx extension: take out of the pages what does not belong there.

* Jupyter Book always loads sphinx-thebe, which writes the address of a script on another host into every page (and a
  console error when it does so twice). The course runs in notebooks, not in the page, so its hooks are unplugged.
* A lesson links to a page as `../book/setup.md`, which is right on GitHub; inside the book the folder is called `..`.
* sphinx.ext.viewcode lists modules without a source page (`builtins`) in its index: broken links.
"""


def unplug_thebe(app, config) -> None:
    """Remove every hook and the style sheet of sphinx-thebe."""
    for event, listeners in app.events.listeners.items():
        kept = [listener for listener in listeners if not listener.handler.__module__.startswith("sphinx_thebe")]
        app.events.listeners[event] = kept
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if "thebe" not in entry[0]]


def mend_links_to_pages(app, docname: str, source: list[str]) -> None:
    """Turn the links of a lesson to the pages of book/ into links inside the book."""
    if docname.startswith("notebooks/"):
        source[0] = source[0].replace("](../book/", "](../")


def drop_modules_without_source(app) -> list:
    """Forget the modules for which viewcode found no source, before it writes its index."""
    modules = getattr(app.env, "_viewcode_modules", {})
    for name in [name for name, entry in modules.items() if not entry]:
        del modules[name]
    return []


def setup(app) -> dict:
    """Unplug once all extensions are loaded; tidy before viewcode (500) writes."""
    app.connect("config-inited", unplug_thebe, priority=100)
    app.connect("source-read", mend_links_to_pages)
    app.connect("html-collect-pages", drop_modules_without_source, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
