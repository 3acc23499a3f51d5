/** What the page tells in passing: toasts for what was done, cards for what went wrong, with retries. */

import { ApiError } from "./api.js";
import { byId, el, icon, show } from "./dom.js";

const TOAST_MS = 8_000;
const MOST_RETRIES = 5;

const FIELDS = {
  text: "teks laporan",
  place: "tempat",
  note: "catatan",
  officer: "nama petugas",
  body_id: "instansi",
  days: "rentang",
};

/** Code of a problem -> what happened, and what to do. */
const PROBLEMS = {
  validation: ["Isian belum dapat diproses", "Perbaiki isiannya, lalu kirim lagi."],
  too_large: ["Teks terlalu besar", "Ringkas teksnya, lalu kirim lagi."],
  unauthorized: ["Kunci API diperlukan", "Buka Pengaturan dan isi kunci dari pengelola layanan."],
  rate_limited: ["Terlalu banyak permintaan", "Batas permintaan per menit tercapai."],
  overloaded: ["Layanan sedang sibuk", "Permintaan Anda belum diproses."],
  unavailable: ["Layanan belum siap", "Layanan sedang memuat model atau penyimpanannya belum dapat dipakai."],
  deadline: ["Layanan terlalu lama menjawab", "Coba lagi; bila berulang, hubungi pengelola layanan."],
  not_found: ["Data tidak ditemukan", "Laporan ini mungkin sudah melewati masa simpan. Ambil laporan berikutnya."],
  offline: [
    "Perangkat Anda sedang luring",
    "Periksa sambungan jaringan. Permintaan dikirim lagi begitu tersambung.",
  ],
  unreachable: ["Layanan tidak dapat dihubungi", "Periksa sambungan jaringan, lalu coba lagi."],
  internal: ["Terjadi kesalahan pada layanan", "Coba lagi; bila berulang, hubungi pengelola layanan."],
};

/**
 * Tells what was done, for some seconds; stays while the pointer or the focus is on it.
 *
 * @param {string} words
 * @param {{label: string, run: () => void}} [action] What can be done about it.
 */
export function toast(words, action) {
  const card = el("div", { class: "toast" }, icon("done"), el("p", {}, words));
  if (action) {
    const run = () => (card.remove(), action.run());
    card.append(el("button", { type: "button", class: "quiet", on: { click: run } }, action.label));
  }
  let timer;
  const stop = () => clearTimeout(timer);
  const start = () => (stop(), (timer = setTimeout(() => card.remove(), TOAST_MS)));
  for (const event of ["pointerenter", "focusin"]) card.addEventListener(event, stop);
  for (const event of ["pointerleave", "focusout"]) card.addEventListener(event, start);
  show(byId("toasts"), card);
  start();
}

export function clearToasts() {
  byId("toasts").replaceChildren();
}

/**
 * Does something, and does it again after a while where the problem passes by itself.
 *
 * The officer sees the problem with a countdown and can try at once or give up. What they typed stays where it is.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T|undefined>} Nothing where it failed for good or was given up: the officer has been told.
 */
export async function attempt(work) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!(await again(error, tries))) return undefined;
    }
  }
}

/** Shows a problem; true when the work is to be done again. */
function again(error, tries) {
  return new Promise((decide) => {
    const stop = new AbortController();
    const answer = (retry) => {
      stop.abort();
      clearInterval(ticking);
      card.remove();
      decide(retry);
    };
    let left = error.passes && tries < MOST_RETRIES ? Math.ceil(error.retryAfter) : 0;
    const countdown = el("p", { class: "countdown", "aria-hidden": "true" });
    const tell = () => (countdown.textContent = left ? `Dicoba lagi dalam ${left} detik` : "");
    const ticking = setInterval(() => {
      if (!left) return clearInterval(ticking);
      left -= 1;
      tell();
      return left ? undefined : answer(true);
    }, 1000);
    if (error.code === "offline") addEventListener("online", () => answer(true), { signal: stop.signal });
    tell();
    const card = problemCard(error, left, countdown, answer);
    byId("problems").append(card);
  });
}

function problemCard(error, seconds, countdown, answer) {
  const [title, advice] = PROBLEMS[error.code] ?? PROBLEMS.internal;
  const retryable = !["validation", "too_large", "not_found"].includes(error.code);
  return el(
    "div",
    { class: "problem" },
    icon("warning"),
    el(
      "div",
      { class: "problem-words" },
      el("p", { class: "problem-title" }, title),
      el("p", {}, [wrongFields(error), advice].filter(Boolean).join(" ")),
      seconds > 0 && el("p", { class: "visually-hidden" }, `Dicoba lagi otomatis setelah ${seconds} detik.`),
      countdown,
      technical(error),
    ),
    el(
      "div",
      { class: "problem-actions" },
      retryable && el("button", { type: "button", on: { click: () => answer(true) } }, "Coba sekarang"),
      el(
        "button",
        { type: "button", class: "quiet", on: { click: () => answer(false) } },
        retryable ? "Batal" : "Tutup",
      ),
    ),
  );
}

/** The fields that a validation problem points at ("#/text" or "/text"), in words. */
function wrongFields(error) {
  const names = error.errors.map(({ pointer = "" }) => FIELDS[pointer.split(/[/.]/).at(-1)]).filter(Boolean);
  return names.length ? `Periksa ${[...new Set(names)].join(", ")}.` : "";
}

function technical(error) {
  if (!error.status) return null;
  const lines = error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  return el(
    "details",
    {},
    el("summary", {}, "Rincian untuk pengelola"),
    el(
      "p",
      { class: "technical", lang: "en" },
      [`${error.status} ${error.code}`, error.detail, ...lines].filter(Boolean).join("\n"),
    ),
  );
}
