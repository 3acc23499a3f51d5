/** The complaint: the form to paste one, and the card to read one with its evidence marked. */

import { shortNameOf } from "./bodies.js";
import { byId, el, icon, key, show } from "./dom.js";
import { marked, placeMarks, tellingWords, textMarks, toldPlaces } from "./highlight.js";
import { clock, moment, number, placeLevel, unitKind, weight } from "./words.js";

const READ_CHARACTERS = 20_000;
const MOST_WORDS = 6;

/** Makes the form count and send; `route` is called when the officer wants the complaint routed. */
export function startForm(route) {
  const text = byId("paste-text");
  byId("paste-form").addEventListener("submit", (event) => (event.preventDefault(), route()));
  text.addEventListener("input", () => {
    complainOfText("");
    const length = Array.from(text.value).length;
    byId("paste-count").textContent =
      length > READ_CHARACTERS
        ? `${number(length)} karakter; hanya ${number(READ_CHARACTERS)} yang pertama dibaca.`
        : "";
  });
}

/** What stands in the form. */
export function readForm() {
  return { text: byId("paste-text").value, place: byId("paste-place").value.trim() || null };
}

export function fillForm({ text, place }) {
  byId("paste-text").value = text;
  byId("paste-place").value = place ?? "";
  byId("paste-text").dispatchEvent(new Event("input"));
}

export function complainOfText(message) {
  byId("paste-text-error").textContent = message;
  byId("paste-text").setAttribute("aria-invalid", String(Boolean(message)));
}

/**
 * Shows a complaint to read.
 *
 * @param {import("./case.js").Case} item
 * @param {Object} options
 * @param {number|null} options.heldUntil Until when nobody else is given it.
 * @param {boolean} options.explaining Whether the words are being weighed right now.
 * @param {() => void} options.explain
 * @param {(() => void)|null} options.edit Where the text can be changed.
 */
export function showComplaint(item, { heldUntil, explaining, explain, edit }) {
  const { routing } = item;
  const explained = routing.evidence.words.length > 0;
  show(
    byId("reading"),
    el(
      "header",
      { class: "card-head" },
      el("h2", { id: "reading-title", tabindex: "-1" }, "Laporan"),
      el("p", { class: "meta", id: "meta" }, metaOf(item, heldUntil)),
    ),
    item.place &&
      el(
        "p",
        { class: "place-line" },
        icon("pin"),
        el("span", {}, "Tempat: ", el("bdi", {}, marked(item.place, placeMarks(routing)))),
      ),
    el(
      "div",
      {
        class: "text",
        id: "complaint-text",
        role: "region",
        "aria-label": "Teks laporan",
        tabindex: "0",
        dir: "auto",
      },
      item.text.trim() ? marked(item.text, textMarks(routing)) : el("em", {}, "(kosong)"),
    ),
    evidenceList(routing),
    el(
      "div",
      { class: "row" },
      el(
        "button",
        {
          type: "button",
          id: "explain",
          "aria-keyshortcuts": "J",
          "aria-busy": explaining && "true",
          disabled: explained || explaining,
          on: { click: explain },
        },
        icon("words"),
        explained ? "Kata penentu ditandai" : explaining ? "Menimbang kata…" : "Jelaskan",
        !explained && !explaining && key("J"),
      ),
      edit && el("button", { type: "button", id: "edit", on: { click: edit } }, icon("edit"), "Sunting teks"),
    ),
  );
}

/** Tells that the complaint may by now have been given to somebody else too. */
export function tellHoldEnded(item) {
  byId("meta").textContent =
    `Diterima ${moment(item.createdAt)} · masa pegang habis, petugas lain mungkin mengerjakannya juga`;
}

function metaOf(item, heldUntil) {
  if (item.source === "paste") return "Ditempel petugas";
  const held = heldUntil ? ` · untuk Anda sampai ${clock(heldUntil)}` : "";
  return `Diterima ${moment(item.createdAt)}${held}`;
}

/** What is marked, in words: marks alone say nothing to those who don't see them. */
function evidenceList(routing) {
  const unsure = routing.reasons.includes("place_ambiguous");
  const places = unique([...toldPlaces(routing, "place"), ...toldPlaces(routing, "text")], (mention) => [
    el("mark", { class: "place" }, mention.text),
    ` ${[placeLevel(mention.level), shortNameOf(mention.body_id)].filter(Boolean).join(", ")}`,
    mention.ambiguous && unsure && el("span", { class: "faint" }, " (nama ini ada di beberapa daerah)"),
  ]);
  const units = unique(routing.evidence.units, (unit) => [
    el("mark", { class: "unit" }, unit.text),
    ` ${unitKind(unit.kind)}`,
  ]);
  const strongest = tellingWords(routing)
    .sort((one, other) => other.weight - one.weight)
    .slice(0, MOST_WORDS);
  const words = unique(strongest, (word) => [
    el("mark", { class: word.strength === "strong" ? "word" : "word-hint" }, word.text),
    el("span", { class: "number faint" }, ` ${weight(word.weight)}`),
  ]);
  const groups = [
    ["Tempat", places],
    ["Unit", units],
    ["Kata penentu", words],
  ].filter(([, items]) => items.length);
  return (
    groups.length > 0 &&
    el(
      "dl",
      { class: "evidence" },
      groups.map(([title, items]) =>
        el(
          "div",
          {},
          el("dt", {}, title),
          items.map((each) => el("dd", {}, each)),
        ),
      ),
    )
  );
}

/** One entry for each text, however often it stands there. */
function unique(found, entry) {
  const first = new Map();
  for (const each of found) {
    const name = each.text.toLowerCase();
    if (!first.has(name)) first.set(name, each);
  }
  return [...first.values()].map(entry);
}
