/** What the router says of a complaint, and where the officer decides. */

import { bodyOf, bodyOfArea, combobox, shortNameOf } from "./bodies.js";
import { candidateList, choose, pick, searchField, showChoice } from "./candidates.js";
import { byId, el, icon, key, show } from "./dom.js";
import { toast } from "./notices.js";
import { capitalised, DECISIONS, listed, REASONS } from "./words.js";

/**
 * Shows a case with everything to decide it by.
 *
 * @param {import("./case.js").Case} item
 * @param {Object} actions
 * @param {() => void} actions.confirm
 * @param {() => void} actions.outOfScope
 * @param {(() => void)|null} actions.skip Where the complaint comes from the queue.
 * @param {(() => void)|null} actions.cancel Where a decision is being corrected.
 * @param {((place: string) => void)|null} actions.answer Where an answer of the citizen can be routed again.
 */
export function showResult(item, actions) {
  const { routing } = item;
  const look = DECISIONS[routing.decision] ?? DECISIONS.review;
  show(
    byId("result"),
    item.sent && correctionNote(item),
    el(
      "header",
      { class: `decision ${routing.decision}` },
      el("span", { class: "decision-icon" }, icon(look.icon)),
      el(
        "div",
        {},
        el("h2", { id: "result-title", tabindex: "-1" }, look.title),
        el("p", { class: "sentence", id: "sentence" }, sentenceOf(routing)),
      ),
    ),
    routing.truncated &&
      el(
        "p",
        { class: "warning" },
        icon("warning"),
        "Teks terlalu panjang; hanya bagian awalnya yang dibaca. Periksa sisanya sebelum memutuskan.",
      ),
    reasonList(routing),
    routing.question && questionBox(item, actions),
    candidateList(item),
    searchField(),
    routing.also.length > 0 &&
      el(
        "p",
        { class: "also" },
        icon("copy-to"),
        el("span", {}, el("strong", {}, "Tembusan: "), listed(routing.also.map((id) => bodyOf(id).name))),
      ),
    noteField(item),
    actionBar(item, actions),
  );
  combobox(byId("search"), (body) => pick(item, body));
  showChoice(item);
}

/** Shows the evidence sentence again, once an explanation has changed it. */
export function tellSentence(item) {
  byId("sentence").textContent = sentenceOf(item.routing);
}

export async function copyQuestion(item) {
  const { question } = item.routing;
  if (!question) return;
  try {
    await navigator.clipboard.writeText(question);
    toast("Pertanyaan disalin.");
  } catch {
    // Browsers allow it on https and localhost only; selected, it is one Ctrl+C away.
    getSelection()?.selectAllChildren(byId("question"));
    toast("Peramban tidak mengizinkan penyalinan. Teks sudah dipilih: tekan Ctrl+C.");
  }
}

/** The sentence without the decision that the heading has just told. */
function sentenceOf({ decision, evidence: { sentence } }) {
  const { title } = DECISIONS[decision] ?? DECISIONS.review;
  return sentence.startsWith(`${title}: `) ? capitalised(sentence.slice(title.length + 2)) : sentence;
}

function correctionNote({ sent }) {
  const before = sent.bodyId ? shortNameOf(sent.bodyId) : "bukan kewenangan";
  return el("p", { class: "warning" }, icon("edit"), `Mengubah keputusan yang sudah dicatat: ${before}.`);
}

function reasonList({ reasons, evidence }) {
  const sentences = reasons.map((reason) => REASONS[reason] ?? reason);
  const rules = evidence.rules.length > 0 && `Aturan yang berlaku: ${evidence.rules.join(", ")}.`;
  const lines = [...sentences, rules].filter(Boolean);
  return (
    lines.length > 0 &&
    el(
      "ul",
      { class: "reasons", "aria-label": "Alasan" },
      lines.map((line) => el("li", {}, line)),
    )
  );
}

function questionBox(item, { answer }) {
  const { question, options } = item.routing;
  return el(
    "section",
    { class: "question", "aria-labelledby": "question-title" },
    el("h3", { id: "question-title" }, "Pertanyaan untuk pelapor"),
    el("blockquote", { id: "question" }, question),
    el(
      "div",
      { class: "row" },
      el(
        "button",
        { type: "button", "aria-keyshortcuts": "P", on: { click: () => void copyQuestion(item) } },
        icon("copy"),
        "Salin pertanyaan",
        key("P"),
      ),
    ),
    options.length > 0 && [
      el("p", { class: "chips-label", id: "chips-label" }, "Jawaban pelapor:"),
      el(
        "div",
        { class: "chips", role: "group", "aria-labelledby": "chips-label" },
        options.map((option) => chip(item, option, answer)),
      ),
    ],
  );
}

/** An answer: routes a pasted complaint again; of one from the queue it chooses the area's body. */
function chip(item, option, answer) {
  const body = answer ? null : bodyOfArea(option);
  const act = () => (answer ? answer(option) : body && choose(item, body.id));
  return (answer || body) && el("button", { type: "button", class: "chip", on: { click: act } }, option);
}

function noteField(item) {
  const area = el("textarea", {
    id: "note",
    rows: "2",
    maxlength: "2000",
    "aria-keyshortcuts": "C",
    on: { input: () => (item.note = area.value) },
  });
  area.value = item.note;
  return el(
    "div",
    { class: "field" },
    el("label", { for: "note" }, "Catatan ", el("span", { class: "faint" }, "(opsional)"), key("C")),
    area,
  );
}

function actionBar(item, { confirm, outOfScope, skip, cancel }) {
  const button = (id, label, letter, run) =>
    run &&
    el(
      "button",
      { type: "button", id, "aria-keyshortcuts": letter, on: { click: run } },
      label,
      letter && key(letter),
    );
  return el(
    "div",
    { class: "actions" },
    el(
      "button",
      { type: "button", id: "confirm", class: "primary", "aria-keyshortcuts": "Enter", on: { click: confirm } },
      el("span", { id: "confirm-label" }),
      key("Enter"),
    ),
    button("out-of-scope", "Bukan kewenangan", "B", outOfScope),
    button("skip", "Lewati", "L", skip),
    button("cancel", "Batal ubah", null, cancel),
  );
}
