/** The triage page: what officers do, step by step. */

import { giveFeedback, info, route, skip, takeNext, waiting } from "./api.js";
import { loadBodies, shortNameOf } from "./bodies.js";
import { chooseNumber } from "./candidates.js";
import { newCase, proposalOf, verdictOn } from "./case.js";
import { complainOfText, fillForm, readForm, showComplaint, startForm, tellHoldEnded } from "./complaint.js";
import { current, desk, newKey, VIEWS } from "./desk.js";
import { announce, byId, focusOn, show } from "./dom.js";
import { startKeyboard } from "./keyboard.js";
import { attempt, clearToasts, toast } from "./notices.js";
import { renderBusy, renderOfficer, renderRecent, renderStart, showVersions, verdictWords } from "./panels.js";
import { copyQuestion, showResult, tellSentence } from "./result.js";
import { needOfficer, officer, onSettings, openSettings, startSettings } from "./settings.js";
import { shortcuts } from "./shortcuts.js";
import { showStatistics } from "./statistics.js";

const CANDIDATES = 10;
const LEASE_MS = 10 * 60_000;
const COUNT_EVERY_MS = 30_000;
const MOST_RECENT = 5;
/** Time in which what has just appeared can't be confirmed: a second Enter was meant for the last one. */
const SETTLE_MS = 350;

// --- what is shown ---

function render() {
  const item = current();
  const { view } = desk;
  byId("triage").hidden = view === "statistik";
  byId("statistics").hidden = view !== "statistik";
  byId("start").hidden = view !== "antrean" || Boolean(item);
  byId("paste").hidden = view !== "tempel" || Boolean(item);
  byId("placeholder").hidden = view !== "tempel" || Boolean(item);
  byId("reading").hidden = !item;
  byId("result").hidden = !item;
  byId("triage").classList.toggle("single", view === "antrean" && !item);
  for (const link of document.querySelectorAll("nav a[href^='#']")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${VIEWS[view].title} · Triase laporan`;
  byId("page-title").textContent = VIEWS[view].title;
  if (item) renderCase(item);
  else clear();
  renderStart();
  renderRecent(correct);
  renderBusy();
}

function clear() {
  show(byId("result"));
  show(byId("reading"));
  desk.shown = null;
}

function renderReading(item) {
  const correcting = item === desk.correcting;
  showComplaint(item, {
    heldUntil: item.source === "queue" && !correcting ? desk.heldUntil : null,
    explaining: item.explaining,
    explain,
    edit: item.source === "paste" && !correcting ? edit : null,
  });
}

function renderCase(item) {
  const correcting = item === desk.correcting;
  const pasted = item.source === "paste" && !correcting;
  renderReading(item);
  showResult(item, {
    confirm,
    outOfScope,
    skip: item.source === "queue" && !correcting ? skipCurrent : null,
    cancel: correcting ? cancelCorrection : null,
    answer: pasted ? answer : null,
  });
  if (desk.shown !== item) Object.assign(desk, { shown: item, shownAt: performance.now() });
}

// --- what the officer does ---

/** Does one thing at a time: a second click or key while it runs is nothing. */
async function busy(name, work) {
  if (desk.busy) return undefined;
  desk.busy = name;
  renderBusy();
  try {
    return await work();
  } finally {
    desk.busy = "";
    renderBusy();
  }
}

async function take() {
  const name = await needOfficer();
  if (!name) return;
  await busy("take", () => takeFor(name));
}

async function takeFor(name) {
  const answer = await attempt(() => takeNext(name));
  if (!answer) return;
  const { data } = answer;
  await loadBodies();
  desk.cases.queue = data && newCase({ ...data, source: "queue", createdAt: data.created_at });
  desk.waiting = data ? data.waiting : await countWaiting();
  desk.drained = !data;
  desk.heldUntil = Date.now() + LEASE_MS;
  if (data) showVersions(data.routing.versions);
  render();
  focusOn(byId(data ? "reading-title" : "start-title"));
}

async function skipCurrent() {
  const item = current();
  if (!item || item.source !== "queue" || item === desk.correcting) return;
  await busy("skip", async () => {
    if (!(await attempt(() => skip(item.record, officer())))) return;
    desk.cases.queue = null;
    toast("Laporan dilewati; akan ditawarkan lagi nanti.");
    await takeFor(officer());
  });
}

async function routePasted() {
  const draft = readForm();
  if (!draft.text.trim()) {
    complainOfText("Tempel atau ketik isi laporan dahulu.");
    byId("paste-text").focus();
    return;
  }
  await busy("route", async () => {
    const mine = { id: desk.draft, officer: officer() || null, replaces: desk.pasted };
    const answer = await attempt(() => route({ ...draft, ...mine, top_k: CANDIDATES }));
    if (!answer) return;
    await loadBodies();
    const { data, record } = answer;
    desk.cases.paste = newCase({
      ...draft,
      source: "paste",
      record,
      routing: data,
      createdAt: new Date().toISOString(),
    });
    desk.pasted = record;
    showVersions(data.versions);
    render();
    focusOn(byId("result-title"));
  });
}

async function answer(place) {
  byId("paste-place").value = place;
  await routePasted();
}

function edit() {
  desk.cases.paste = null;
  render();
  byId("paste-text").focus();
}

/** Empties the form on the officer's wish, who may have meant something else. */
function discard() {
  const { text, place } = readForm();
  const kept = { item: desk.cases.paste, draft: desk.draft, pasted: desk.pasted };
  clearPaste();
  if (!text.trim()) return;
  toast("Isian dikosongkan.", {
    label: "Kembalikan",
    run: () => {
      Object.assign(desk, { draft: kept.draft, pasted: kept.pasted });
      desk.cases.paste = kept.item;
      fillForm({ text, place });
      render();
      focusOn(byId(kept.item ? "result-title" : "paste-text"));
    },
  });
}

function clearPaste() {
  desk.cases.paste = null;
  desk.draft = newKey();
  desk.pasted = null;
  fillForm({ text: "", place: null });
  render();
  byId("paste-text").focus();
}

/** Has the words weighed; meanwhile the officer can go on, and decide. */
async function explain() {
  const item = current();
  if (!item || item.explaining || item.routing.evidence.words.length) return;
  item.explaining = true;
  renderReading(item);
  const { text, place } = item;
  const answer = await attempt(() => route({ text, place, top_k: CANDIDATES, explain: true, keep: false }));
  item.explaining = false;
  if (answer) explained(item, answer);
  if (current() !== item) return;
  renderReading(item);
  tellSentence(item);
  // The button that was clicked is gone; whoever has gone on to something else stays there.
  if (document.activeElement === document.body) focusOn(byId("complaint-text"));
}

function explained(item, { data }) {
  const { words, sentence } = data.evidence;
  item.routing = { ...item.routing, evidence: { ...item.routing.evidence, words, sentence } };
  if (current() === item) announce("Kata penentu ditandai.");
}

async function confirm() {
  const item = current();
  if (!item || performance.now() - desk.shownAt < SETTLE_MS) return;
  if (!item.chosen) {
    toast("Pilih instansi dahulu: tekan angkanya, atau cari dengan /.");
    return;
  }
  await decide(item, item.chosen);
}

function outOfScope() {
  const item = current();
  if (!item || desk.busy) return;
  const dialog = byId("scope");
  const button = byId("scope-confirm");
  button.onclick = () => {
    dialog.close();
    if (current() === item) void decide(item, null);
  };
  dialog.showModal();
  button.focus();
}

/** Sends a decision: a body, or null where no government body is in charge. */
async function decide(item, bodyId) {
  await busy("decide", async () => {
    const decision = verdictOn(proposalOf(item), bodyId);
    const note = item.note.trim() || null;
    const answer = await attempt(() =>
      giveFeedback({ record: item.record, ...decision, note, officer: officer() || null }),
    );
    if (!answer) return;
    item.sent = { verdict: decision.verdict, bodyId };
    desk.recent = [item, ...desk.recent.filter((other) => other !== item)].slice(0, MOST_RECENT);
    toast(`Tercatat: ${verdictWords(item.sent)}${changedFrom(item)}.`, { label: "Ubah", run: () => correct(item) });
    await proceed(item);
  });
}

/** What comes after a decision: the next one of the queue, the empty form, or what lay below a correction. */
async function proceed(item) {
  if (item === desk.correcting) {
    desk.correcting = null;
    render();
    focusOn(document.getElementById(current() ? "reading-title" : "start-title"));
  } else if (item.source === "queue") {
    desk.cases.queue = null;
    await takeFor(officer());
    if (!desk.cases.queue) render();
  } else {
    clearPaste();
  }
}

function correct(item) {
  clearToasts();
  desk.correcting = item;
  item.chosen = item.sent.bodyId ?? item.chosen;
  if (desk.view === "statistik") location.hash = "#antrean";
  render();
  focusOn(byId("result-title"));
}

function cancelCorrection() {
  desk.correcting = null;
  render();
  focusOn(
    document.getElementById(current() ? "reading-title" : desk.view === "tempel" ? "paste-text" : "start-title"),
  );
}

function changedFrom(item) {
  const proposed = proposalOf(item);
  if (item.sent.verdict !== "changed" || !proposed || item.routing.decision === "ask") return "";
  return ` (diubah dari ${shortNameOf(proposed)})`;
}

// --- the rest ---

async function count() {
  const item = current();
  if (item?.source === "queue" && item !== desk.correcting && Date.now() > desk.heldUntil) tellHoldEnded(item);
  if (document.hidden || desk.busy) return;
  const before = desk.waiting;
  desk.waiting = await countWaiting();
  if (desk.waiting > before) desk.drained = false;
  renderStart();
}

/** How many wait, or what was known of it: nobody asked, so a failure is no news, and the next time will do. */
async function countWaiting() {
  try {
    return (await waiting()).data.waiting;
  } catch {
    return desk.waiting;
  }
}

function go() {
  const [view, days] = location.hash.slice(1).split("/");
  if (Object.hasOwn(VIEWS, view)) desk.view = view;
  render();
  if (desk.view === "statistik") void showStatistics(Number(days) || 30);
}

async function start() {
  startSettings();
  startForm(() => void routePasted());
  const acts = { confirm, outOfScope, explain, fresh, openSettings, skip: skipCurrent };
  startKeyboard(
    shortcuts({
      ...acts,
      choose: (position) => current() && chooseNumber(current(), position),
      copy: () => current() && copyQuestion(current()),
      correct: () => desk.recent[0] && correct(desk.recent[0]),
    }),
    { submit: routePasted, confirm },
  );
  byId("take").addEventListener("click", () => void take());
  byId("clear").addEventListener("click", discard);
  byId("skip-link").addEventListener("click", (event) => (event.preventDefault(), byId("utama").focus()));
  byId("scope-cancel").addEventListener("click", () => byId("scope").close());
  addEventListener("hashchange", () => {
    const before = desk.view;
    go();
    if (desk.view !== before) focusOn(byId("page-title"));
  });
  addEventListener("beforeunload", (event) => readForm().text.trim() && event.preventDefault());
  onSettings(() => (renderOfficer(), void count()));
  renderOfficer();
  go();
  setInterval(count, COUNT_EVERY_MS);
  document.addEventListener("visibilitychange", count);
  await Promise.allSettled([count(), loadBodies(), info().then(({ data }) => showVersions(data))]);
}

function fresh() {
  if (desk.correcting) return;
  if (desk.view === "tempel") discard();
  else if (desk.view === "antrean" && !current()) void take();
}

void start();
