/** The bodies to choose from: the ranked candidates, and the field that searches all others. */

import { besideName, bodyOf, remember } from "./bodies.js";
import { choicesOf } from "./case.js";
import { announce, byId, el, focusOn, key, show } from "./dom.js";
import { percent, shortName } from "./words.js";

export function candidateList(item) {
  return el(
    "fieldset",
    { class: "candidates-field" },
    el("legend", {}, "Instansi yang berwenang"),
    el("div", { id: "candidates" }, candidateRows(item)),
  );
}

/** The field, to be made work by `combobox`. */
export function searchField() {
  return el(
    "div",
    { class: "field search-field" },
    el("label", { for: "search" }, "Cari instansi lain", key("/")),
    el("input", {
      id: "search",
      type: "text",
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": "search-list",
      "aria-autocomplete": "list",
      "aria-keyshortcuts": "/",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      maxlength: "200",
      placeholder: "Nama, singkatan, atau daerah",
    }),
    el("ul", { id: "search-list", role: "listbox", "aria-label": "Instansi", hidden: true }),
  );
}

/** Chooses a body; the list, the button and the focus follow. */
export function choose(item, id, { focus = true } = {}) {
  item.chosen = id;
  for (const radio of radios()) radio.checked = radio.value === id;
  showChoice(item);
  if (focus) focusOn(radios().find((radio) => radio.checked));
}

/** Chooses the candidate with a number from 1; false where there is none. */
export function chooseNumber(item, position) {
  const radio = radios()[position - 1];
  if (radio) choose(item, radio.value);
  return Boolean(radio);
}

/** Chooses a body that was searched, and lists it. */
export function pick(item, body) {
  remember(body);
  item.picked = [body.id, ...item.picked.filter((id) => id !== body.id)];
  show(byId("candidates"), candidateRows(item));
  choose(item, body.id);
  announce(`${body.name} dipilih. Tekan Enter untuk menetapkan.`);
}

/** Says on the button what would be confirmed. */
export function showChoice(item) {
  const body = item.chosen && bodyOf(item.chosen);
  byId("confirm-label").textContent = body
    ? `Tetapkan: ${body.abbreviation || shortName(body.name)}`
    : "Pilih instansi dahulu";
  byId("confirm").classList.toggle("unready", !body);
}

function candidateRows(item) {
  const { shortlisted, others, picked, hidden } = choicesOf(item);
  let position = 0;
  const rows = (title, choices) =>
    choices.length > 0 && [
      el("p", { class: "group-title" }, title),
      choices.map((choice) => candidateRow(item, choice, (position += 1))),
    ];
  return [
    rows("Daftar pendek", shortlisted),
    hidden > 0 &&
      el(
        "button",
        { type: "button", class: "quiet more", on: { click: () => showWhole(item) } },
        `Tampilkan ${hidden} lainnya`,
      ),
    rows("Calon lain", others),
    rows("Pilihan Anda", picked),
    !position && el("p", { class: "faint" }, "Tidak ada calon. Cari instansinya di bawah."),
  ];
}

function showWhole(item) {
  item.whole = true;
  show(byId("candidates"), candidateRows(item));
  focusOn(radios().find((radio) => radio.checked) ?? radios()[0]);
}

function candidateRow(item, { id, body, probability, proposed }, position) {
  const told = probability !== null;
  const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "bar-fill" }));
  bar.firstChild.style.width = `${100 * (probability ?? 0)}%`;
  return el(
    "label",
    { class: "candidate" },
    el("input", {
      type: "radio",
      name: "body",
      value: id,
      checked: id === item.chosen,
      on: { change: () => choose(item, id, { focus: false }) },
    }),
    el("span", { class: "candidate-key" }, position <= 9 && key(position)),
    el(
      "span",
      { class: "candidate-name" },
      body.name,
      el(
        "span",
        { class: "candidate-beside" },
        besideName(body),
        proposed && item.routing.decision !== "ask" && el("span", { class: "tag" }, "Usulan"),
      ),
    ),
    told && bar,
    told && el("span", { class: "percent" }, percent(probability)),
  );
}

function radios() {
  return [...byId("result").querySelectorAll("input[name=body]")];
}
