/** What lies on the officer's desk: the one state of the page, changed by triage.js alone. */

export const VIEWS = {
  antrean: { title: "Antrean", source: "queue" },
  tempel: { title: "Tempel laporan", source: "paste" },
  statistik: { title: "Statistik" },
};

export const desk = {
  view: "antrean",
  /** @type {Record<"queue"|"paste", import("./case.js").Case|null>} */
  cases: { queue: null, paste: null },
  /** The case whose decision is being corrected; it lies on top of the others. */
  correcting: null,
  /** The cases decided last, latest first. */
  recent: [],
  /** How many wait for an officer; null while that isn't known. */
  waiting: null,
  /** Until when nobody else is given the case from the queue. */
  heldUntil: null,
  /** Whether the queue had nothing for this officer. */
  drained: false,
  /** The pasted complaint's key, and the record of its latest routing, which the next one replaces. */
  draft: newKey(),
  pasted: null,
  /** What is being done right now, or nothing. */
  busy: "",
  /** The case in sight, and since when. */
  shown: null,
  shownAt: 0,
};

/** The case in sight. */
export function current() {
  return desk.view === "statistik" ? null : (desk.correcting ?? desk.cases[VIEWS[desk.view].source]);
}

/** A key for one pasted complaint, by which its routings can be told to be the same complaint's. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `triase-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
