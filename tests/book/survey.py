"""What a reader would notice on a page, asked of the browser once for each page."""

from pathlib import Path

from browser import DESKTOP, PHONE, load, open_page

# Text that is visible, not code and not a rendered formula, and still holds a dollar sign or a backslash.
RAW_FORMULAS = r"""() => {
  const article = document.querySelector("article") || document.body, found = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!/[$\\]/.test(node.textContent)) continue;
    if (parent.closest("pre, code, script, style, mjx-container, .sig, textarea, noscript")) continue;
    if (parent.offsetParent === null && getComputedStyle(parent).position !== "fixed") continue;
    found.push(node.textContent.trim().slice(0, 120));
  }
  document.querySelectorAll("mjx-merror").forEach(e => found.push("MathJax: " + e.textContent.slice(0, 120)));
  return found;
}"""

BAD_IMAGES = """async () => {
  const images = [...document.querySelectorAll("img")];
  await Promise.all(images.map(i => { i.loading = "eager"; return i.decode().catch(() => null); }));
  return images.filter(i => i.naturalWidth === 0 && i.offsetParent !== null).map(i => i.src.slice(0, 120));
}"""

NO_ALT = """() => [...document.querySelectorAll("article img")]
  .filter(i => !(i.alt || "").trim()).map(i => i.src.slice(0, 90))"""

# Each slider is moved to its end and back: the sheet of frames must shift and the label must change.
PLAYERS = """() => [...document.querySelectorAll("[data-player]")].map(root => {
  const range = root.querySelector("input[type=range]"), sheet = root.querySelector("[data-stage] img");
  if (!range || !sheet) return {id: root.dataset.player, moves: false, why: "no slider"};
  const state = () => sheet.style.left + "/" + sheet.style.top + "/" + root.textContent;
  const move = to => { range.value = to; range.dispatchEvent(new Event("input", {bubbles: true})); return state(); };
  const first = move(0), last = move(range.max), again = move(0);
  const moves = Number(range.max) > 0 && first !== last && first === again;
  return {id: root.dataset.player, moves, why: moves ? "" : first + " -> " + last};
})"""

# On a phone: how far the page itself scrolls sideways, and formulas whose left edge cannot be reached.
PHONE_FAULTS = """() => {
  const sideways = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
  const cut = [];
  document.querySelectorAll("article mjx-container").forEach(formula => {
    const inside = formula.querySelector("mjx-math") || formula;
    let box = formula;
    while (box.parentElement && box.tagName !== "ARTICLE" && !scrolls(box)) box = box.parentElement;
    if (formula.offsetParent === null) return;
    const left = inside.getBoundingClientRect().left + box.scrollLeft, edge = box.getBoundingClientRect().left;
    if (left < edge - 1.5) cut.push(Math.round(left - edge) + " px: " + formula.textContent.slice(0, 60));
  });
  document.querySelectorAll("article table, article pre, article figure, article svg").forEach(wide => {
    let box = wide;
    while (box && box.tagName !== "ARTICLE" && !scrolls(box)) box = box.parentElement;
    const rect = wide.getBoundingClientRect();
    if (box && box.tagName === "ARTICLE" && wide.offsetParent !== null && rect.right > innerWidth + 1.5)
      cut.push(wide.tagName + " ends at " + Math.round(rect.right));
  });
  return {sideways, cut};
}"""


def visit(page, html: Path, file: Path) -> dict:
    """Everything the tests ask about one page: at desktop width, then at phone width in the same tab."""
    here = html.resolve().as_uri()
    page.set_viewport_size(DESKTOP)
    seen = load(page, file)
    result = {
        "raw": page.evaluate(RAW_FORMULAS),
        "bad_images": page.evaluate(BAD_IMAGES),
        "no_alt": page.evaluate(NO_ALT),
        "players": page.evaluate(PLAYERS),
    }
    page.set_viewport_size(PHONE)
    result["phone"] = page.evaluate(PHONE_FAULTS)
    result["errors"] = seen.errors
    result["foreign"] = [url[:160] for url in seen.requests if not url.startswith((here, "data:", "blob:"))]
    return result


def axe_faults(browser, file: Path, scheme: str) -> list[str]:
    """Serious and critical faults that axe-core finds inside the article."""
    from axe_playwright_python.sync_playwright import Axe

    with open_page(browser, file, scheme=scheme) as (page, _):
        found = Axe().run(page, context="article", options={"resultTypes": ["violations"]}).response
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:140]} {node.get('failureSummary', '')[:200]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:5]
    ]
