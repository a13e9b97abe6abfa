"""What a page must hold for every reader: contrast (WCAG 2.2, 1.4.3) and reflow (1.4.10)."""

from __future__ import annotations

from playwright.sync_api import Page

_FAINT = """() => {
  // A colour as [red, green, blue, alpha], 0 to 1, whatever notation it comes in.
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const over = (top, below) =>
    [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const above = (element) => {
    const line = [];
    for (let e = element; e; e = e.parentElement) line.unshift(getComputedStyle(e));
    return line;
  };
  const ratio = (element, colour) => {
    const styles = above(element);
    const ground = styles.reduce((c, s) => over(read(s.backgroundColor), c), [1, 1, 1, 1]);
    const ink = read(colour);
    ink[3] *= styles.reduce((o, s) => o * Number(s.opacity), 1);
    const [dark, light] = [luminance(over(ink, ground)), luminance(ground)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const faint = new Set();
  const look = (element, text, colour) => {
    const style = getComputedStyle(element);
    const [size, weight] = [parseFloat(style.fontSize), Number(style.fontWeight)];
    const least = size >= 24 || (size >= 18.66 && weight >= 700) ? 3 : 4.5;
    const found = ratio(element, colour);
    if (found < least) {
      const where = `${element.tagName.toLowerCase()}.${element.className}`;
      faint.add(`${found.toFixed(2)}: ${where} “${text.slice(0, 40)}”`);
    }
  };
  const out = "script, style, noscript, option, .hidden-label, :disabled, [hidden]";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent.trim();
    if (!text || element.closest(out)) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    look(element, text, getComputedStyle(element).color);
  }
  for (const field of document.querySelectorAll("[placeholder]")) {
    if (field.value || !field.checkVisibility()) continue;
    look(field, field.placeholder, getComputedStyle(field, "::placeholder").color);
  }
  return [...faint];
}"""


def faint(page: Page) -> list[str]:
    """The texts in sight that are too faint, light and then dark, each with its contrast.

    Disabled controls are left out, as the standard does.
    """
    found = []
    for dark in (False, True):
        page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
        page.wait_for_timeout(400)  # colours change over 0.15 s
        found += [f"{'dark' if dark else 'light'}: {text}" for text in page.evaluate(_FAINT)]
    page.evaluate("() => document.body.classList.remove('dark')")
    return found


def too_wide(page: Page, width: int = 400) -> list[str]:
    """The elements that make a page of this width scroll sideways; its own size is put back."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(200)
    found: list[str] = page.evaluate(_WIDE)
    if before:
        page.set_viewport_size(before)
    return found


_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility())
    .filter((element) => element.getBoundingClientRect().right > width + 1)
    .map((element) => `${element.tagName.toLowerCase()}.${element.className}`)
    .slice(0, 5)
    .concat(`${document.documentElement.scrollWidth} pixels`);
}"""
