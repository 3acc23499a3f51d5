/** One complaint on the officer's desk: what the router says of it, and what the officer makes of it. */

import { bodyOf, remember } from "./bodies.js";

const FEWEST_SHOWN = 3;
const MOST_SHOWN = 9;
const NOT_WORTH_HIDING = 3;
/** Probability from which a candidate beside the shortlist is worth a look. */
const WORTH_A_LOOK = 0.01;

/**
 * @typedef {Object} Case
 * @property {"queue"|"paste"} source
 * @property {string} record Id of the record that feedback is about.
 * @property {string} text
 * @property {string|null} place
 * @property {Object} routing
 * @property {string} createdAt ISO time.
 * @property {string|null} chosen Id of the body that the officer chose; to begin with the proposed one.
 * @property {string[]} picked Ids of the bodies that they found by searching.
 * @property {string} note
 * @property {{verdict: string, bodyId: string|null}|null} sent The latest decision.
 * @property {boolean} explaining Whether the words are being weighed right now.
 * @property {boolean} whole Whether the whole shortlist is shown.
 */

/** @returns {Case} */
export function newCase({ source, record, text, place, routing, createdAt }) {
  for (const candidate of routing.candidates) rememberName(candidate);
  return {
    source,
    record,
    text,
    place,
    routing,
    createdAt,
    // Where the citizen is to be asked, nothing is proposed: Enter shouldn't confirm a guess.
    chosen: routing.decision === "ask" ? null : proposalOf({ routing }),
    picked: [],
    note: "",
    sent: null,
    explaining: false,
    whole: false,
  };
}

/** The body that the router would send it to. */
export function proposalOf({ routing }) {
  return routing.body_id ?? routing.candidates[0]?.body_id ?? null;
}

/** A body, or "out of scope" where there is none, as the API takes it about a routing that proposed a body. */
export function verdictOn(proposal, bodyId) {
  if (!bodyId) return { verdict: "out_of_scope" };
  return bodyId === proposal ? { verdict: "accepted" } : { verdict: "changed", body_id: bodyId };
}

/**
 * The bodies to choose from, in the order in which they are shown and numbered.
 *
 * @param {Case} item
 * @returns {{shortlisted: Object[], others: Object[], picked: Object[], hidden: number}}
 */
export function choicesOf(item) {
  const { routing } = item;
  const probability = new Map(routing.candidates.map((candidate) => [candidate.body_id, candidate.probability]));
  const proposed = proposalOf(item);
  const choice = (id) => ({
    id,
    body: bodyOf(id),
    probability: probability.get(id) ?? null,
    proposed: id === proposed,
  });
  const shortlist = routing.shortlist.map(choice);
  const whole = item.whole || shortlist.length <= MOST_SHOWN + NOT_WORTH_HIDING;
  const shortlisted = whole ? shortlist : shortlist.slice(0, MOST_SHOWN);
  const listed = new Set(routing.shortlist);
  const others = [...new Set([routing.body_id, ...probability.keys()])].filter((id) => id && !listed.has(id));
  const likely = others.filter((id) => id === routing.body_id || probability.get(id) >= WORTH_A_LOOK).length;
  const room = Math.max(0, FEWEST_SHOWN - shortlisted.length, Math.min(likely, MOST_SHOWN - shortlisted.length));
  const shown = new Set([...listed, ...others.slice(0, room)]);
  return {
    shortlisted,
    others: others.slice(0, room).map(choice),
    picked: item.picked.filter((id) => !shown.has(id)).map(choice),
    hidden: shortlist.length - shortlisted.length,
  };
}

function rememberName({ body_id: id, name }) {
  if (bodyOf(id).name === id) remember({ id, name, abbreviation: "", kind: "" });
}
