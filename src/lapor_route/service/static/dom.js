/** Small helpers for the document. Text only ever goes in as text: nothing here parses HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Builds an element.
 *
 * @param {string} name Tag name.
 * @param {Object} properties Attributes; `on` holds event listeners; false, null and undefined are left out.
 * @param {...(Node|string|null|false|Array)} children Strings become text nodes.
 */
export function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** The same for SVG. */
export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

/** An icon of the sprite in index.html, hidden from screen readers: the words beside it say the same. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", "aria-hidden": "true", focusable: "false" },
    svg("use", { href: `#i-${name}` }),
  );
}

/** A key as it is printed on the keyboard; a hint for the eye, since `aria-keyshortcuts` tells the others. */
export function key(name) {
  return el("kbd", { "aria-hidden": "true" }, name);
}

export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Replaces what an element holds. */
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child || child === 0));
}

/** Moves the focus to something that isn't a control, such as the heading of what just appeared. */
export function focusOn(element) {
  if (!element) return;
  if (!element.hasAttribute("tabindex") && !element.matches("a[href], button, input, textarea, select")) {
    element.setAttribute("tabindex", "-1");
  }
  element.focus({ preventScroll: true });
  // What begins in the lower half of the screen is brought to its top: a heading alone at the edge tells nothing.
  reveal(
    element,
    element.matches("h1, h2") && element.getBoundingClientRect().top > innerHeight / 2 ? "start" : "nearest",
  );
}

/** Scrolls something into sight, where it isn't. */
export function reveal(element, block = "nearest") {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block, behavior: calm ? "auto" : "smooth" });
}

/** Says something to screen readers only. */
export function announce(words) {
  const region = byId("announcer");
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = words));
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}
