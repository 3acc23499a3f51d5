/** The small panels round a complaint: the queue's start, the latest decisions, the officer, the versions. */

import { shortNameOf } from "./bodies.js";
import { desk } from "./desk.js";
import { byId, el, show } from "./dom.js";
import { officer } from "./settings.js";
import { number } from "./words.js";

/** The queue's panel while no complaint is in hand, and the number in the header. */
export function renderStart() {
  const count = desk.waiting;
  const empty = count === 0 || desk.drained;
  byId("start-title").textContent = empty
    ? count > 0
      ? "Tidak ada laporan untuk Anda"
      : "Antrean kosong"
    : "Antrean laporan";
  byId("start-words").textContent = startWords(count, empty);
  byId("start").classList.toggle("empty", empty);
  byId("take-label").textContent = empty ? "Periksa lagi" : "Ambil laporan berikutnya";
  byId("waiting").textContent = count === null ? "" : number(count);
  byId("waiting-words").textContent = count === null ? "" : " laporan menunggu";
}

function startWords(count, empty) {
  if (empty && count > 0) {
    return `${number(count)} laporan sedang dipegang petugas lain, atau baru saja Anda lewati.`;
  }
  if (empty) return "Semua laporan sudah diputuskan. Yang baru akan muncul di sini dengan sendirinya.";
  if (count === null) return "Laporan yang belum dapat diteruskan otomatis menunggu keputusan petugas.";
  return `${number(count)} laporan menunggu keputusan petugas.`;
}

/**
 * The latest decisions.
 *
 * @param {(item: import("./case.js").Case) => void} correct Changes one of them.
 */
export function renderRecent(correct) {
  byId("recent").hidden = desk.recent.length === 0 || desk.view === "statistik";
  show(
    byId("recent-list"),
    desk.recent.map((item) =>
      el(
        "li",
        {},
        el("span", { class: "recent-text" }, item.text.trim().slice(0, 120) || "(kosong)"),
        el("span", { class: "recent-verdict" }, verdictWords(item.sent)),
        el(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `Ubah keputusan: ${item.text.trim().slice(0, 60)}`,
            disabled: item === desk.correcting,
            on: { click: () => correct(item) },
          },
          "Ubah",
        ),
      ),
    ),
  );
}

/** Marks the button whose work is under way. */
export function renderBusy() {
  document.body.classList.toggle("busy", Boolean(desk.busy));
  for (const [id, work] of [
    ["take", "take"],
    ["route", "route"],
    ["confirm", "decide"],
    ["skip", "skip"],
  ]) {
    document.getElementById(id)?.setAttribute("aria-busy", String(desk.busy === work));
  }
}

export function renderOfficer() {
  byId("officer").textContent = officer() || "Isi nama Anda";
}

export function showVersions(versions) {
  const parts = [
    ["lapor-route", versions.package],
    ["model", versions.model],
    ["registri", versions.registry],
  ];
  byId("versions").textContent = parts
    .filter(([, value]) => value)
    .map((part) => part.join(" "))
    .join(" · ");
}

/** A decision in words. */
export function verdictWords({ bodyId }) {
  return bodyId ? shortNameOf(bodyId) : "bukan kewenangan instansi pemerintah";
}
