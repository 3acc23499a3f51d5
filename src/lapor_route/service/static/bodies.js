/**
 * The bodies: their names by id, and a combobox that searches them.
 *
 * It follows the ARIA APG: list autocomplete, the first match selected.
 */

import { allBodies, ApiError, findBodies } from "./api.js";
import { announce, byId, el, reveal, show } from "./dom.js";
import { kindOf, number, shortName } from "./words.js";

const SHOWN = 20;
const PAUSE_MS = 180;

const known = new Map();
let loading = null;

/** Loads the names of all bodies once; without them the page shows ids instead of names. */
export function loadBodies() {
  loading ??= allBodies().then(
    ({ data }) => data.bodies.forEach(remember),
    (error) => {
      loading = null;
      if (!(error instanceof ApiError)) throw error;
    },
  );
  return loading;
}

export function remember(body) {
  known.set(body.id, { ...known.get(body.id), ...body });
}

/** What is known of a body: at least its id and a name. */
export function bodyOf(id) {
  return known.get(id) ?? { id, name: id, abbreviation: "", kind: "" };
}

export function shortNameOf(id) {
  return shortName(bodyOf(id).name);
}

/** The body whose name is of an area ("Kota Malang"), where there is one. */
export function bodyOfArea(area) {
  return [...known.values()].find((body) =>
    [`Pemerintah ${area}`, `Pemerintah Daerah ${area}`].includes(body.name),
  );
}

/** "Pemkot Bandung · Pemerintah kota": what stands beside a body's official name. */
export function besideName(body) {
  return [body.abbreviation !== body.name && body.abbreviation, kindOf(body)].filter(Boolean).join(" · ");
}

/**
 * Makes the search field of a panel work.
 *
 * @param {HTMLInputElement} input With `role="combobox"`, and `aria-controls` that names the list.
 * @param {(body: Object) => void} choose Called with the body that the officer chose.
 */
export function combobox(input, choose) {
  const list = byId(input.getAttribute("aria-controls"));
  let found = [];
  let active = -1;
  let timer;
  let request = new AbortController();

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const open = () => {
    if (list.hidden) {
      list.hidden = false;
      reveal(list);
    }
    input.setAttribute("aria-expanded", "true");
  };
  const activate = (index) => {
    active = index;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    const option = list.children[index];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    // Within the list only: scrolling the page along would make it jump with every key.
    list.scrollTop = Math.min(
      option.offsetTop - 6,
      Math.max(list.scrollTop, option.offsetTop + option.offsetHeight - list.clientHeight + 6),
    );
    return undefined;
  };
  const take = (body) => {
    clearTimeout(timer);
    request.abort();
    remember(body);
    input.value = "";
    close();
    choose(body);
  };
  const offer = (bodies, otherwise) => {
    found = bodies;
    const none = el(
      "li",
      { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "none" },
      otherwise,
    );
    show(list, bodies.length ? bodies.map((body, index) => optionOf(list.id, body, index, take)) : none);
    announce(bodies.length ? `${number(bodies.length)} instansi ditemukan.` : otherwise);
    if (document.activeElement !== input) return;
    open();
    activate(bodies.length ? 0 : -1);
  };
  const search = async (words) => {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const { data } = await findBodies(words, SHOWN, signal);
      if (signal.aborted) return;
      offer(
        data.bodies.filter((body) => body.connected !== false),
        "Tidak ada yang cocok. Coba nama daerah, nama lembaga, atau singkatannya.",
      );
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      offer([], "Pencarian belum berhasil. Ketik lagi sebentar kemudian.");
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    const words = input.value.trim();
    if (words) timer = setTimeout(search, PAUSE_MS, words);
    else (request.abort(), close());
  });
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden && found.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen && input.value.trim()) void search(input.value.trim());
      else if (isOpen) activate(moved(active, event.key === "ArrowDown" ? 1 : -1, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen && active >= 0) take(found[active]);
    } else if (event.key === "Escape" && (!list.hidden || input.value)) {
      event.preventDefault();
      event.stopPropagation();
      if (list.hidden) input.value = "";
      clearTimeout(timer);
      request.abort();
      close();
    } else if (event.key === "Tab") {
      close();
    }
  });
  input.addEventListener("blur", () => close());
  list.addEventListener("mousedown", (event) => event.preventDefault());
}

function optionOf(listId, body, index, take) {
  return el(
    "li",
    { role: "option", id: `${listId}-${index}`, "aria-selected": "false", on: { click: () => take(body) } },
    el("span", { class: "option-name" }, body.name),
    el("span", { class: "option-beside" }, besideName(body)),
  );
}

/** The next index, round the end; -1 is "none yet". */
function moved(index, step, length) {
  return index < 0 ? (step > 0 ? 0 : length - 1) : (index + step + length) % length;
}
