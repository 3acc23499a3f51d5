/** Evidence in a complaint's text: which stretches to mark, and how. */

import { el } from "./dom.js";

/** Log-odds from which a mention of a place counts as told; as in `lapor_route.evidence.sentence`. */
const WEIGHTY = 3;
const STRONG = 1 / 3;
const WEAK = 1 / 8;

/** The mentions of places that told something, of one field. */
export function toldPlaces(routing, field) {
  return routing.places.filter((mention) => mention.field === field && mention.weight > 0);
}

/** The words that speak for the first candidate's topic, each with a `strength`: "strong" or "weak". */
export function tellingWords(routing) {
  const strongest = Math.max(0, ...routing.evidence.words.map((word) => word.weight));
  if (!strongest) return [];
  return routing.evidence.words
    .filter((word) => word.weight >= strongest * WEAK)
    .map((word) => ({ ...word, strength: word.weight >= strongest * STRONG ? "strong" : "weak" }));
}

/** What is to be marked in the text. */
export function textMarks(routing) {
  return [
    ...toldPlaces(routing, "text").map((mention) =>
      mark(mention, mention.weight >= WEIGHTY ? "place" : "place-hint"),
    ),
    ...routing.evidence.units.map((unit) => mark(unit, "unit")),
    ...tellingWords(routing).map((word) => mark(word, word.strength === "strong" ? "word" : "word-hint")),
  ];
}

/** What is to be marked in the place field. */
export function placeMarks(routing) {
  return toldPlaces(routing, "place").map((mention) => mark(mention, "place"));
}

/**
 * A text with its marks, which may overlap.
 *
 * The API counts characters (code points) while JavaScript counts UTF-16 units, so the text is cut as a list of
 * characters: otherwise every emoji would shift the marks behind it.
 *
 * @param {string} text
 * @param {{start: number, end: number, kinds: string}[]} marks
 * @returns {Node[]}
 */
export function marked(text, marks) {
  const characters = Array.from(text);
  const inside = marks.filter((each) => 0 <= each.start && each.start < each.end && each.end <= characters.length);
  const cuts = [...new Set([0, characters.length, ...inside.flatMap((each) => [each.start, each.end])])];
  cuts.sort((one, other) => one - other);
  return cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1];
    const piece = characters.slice(start, end).join("");
    const over = inside.filter((each) => each.start <= start && end <= each.end);
    if (!over.length) return document.createTextNode(piece);
    return el("mark", { class: [...new Set(over.map((each) => each.kinds))].join(" ") }, piece);
  });
}

function mark({ start, end }, kinds) {
  return { start, end, kinds };
}
