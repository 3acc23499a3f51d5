/** The keyboard shortcuts: what each is called in the help dialog, and what it does. */

import { focusOn } from "./dom.js";

/**
 * The table that `startKeyboard` takes.
 *
 * @param {Object} act What officers do, by name.
 */
export function shortcuts(act) {
  const inGroup = (group, entries) => entries.map((entry) => ({ ...entry, group }));
  return [
    ...inGroup("Memutuskan", [
      { keys: ["Enter"], words: "Tetapkan instansi yang dipilih", run: act.confirm },
      {
        keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
        shown: "1 – 9",
        words: "Pilih instansi menurut nomornya",
        run: (pressed) => act.choose(Number(pressed)),
      },
      { keys: ["/"], words: "Cari instansi lain", run: () => focusOn(document.getElementById("search")) },
      { keys: ["b"], words: "Bukan kewenangan", run: act.outOfScope },
      { keys: ["c"], words: "Tulis catatan", run: () => focusOn(document.getElementById("note")) },
      { keys: ["u"], words: "Ubah keputusan terakhir", run: act.correct },
    ]),
    ...inGroup("Laporan", [
      { keys: ["j"], words: "Jelaskan: tandai kata penentu", run: act.explain },
      { keys: ["p"], words: "Salin pertanyaan untuk pelapor", run: act.copy },
      { keys: ["l"], words: "Lewati laporan dari antrean", run: act.skip },
      { keys: ["n"], words: "Laporan baru: ambil dari antrean, atau kosongkan isian", run: act.fresh },
      { keys: ["e"], words: "Sunting teks yang ditempel", run: () => document.getElementById("edit")?.click() },
    ]),
    ...inGroup("Halaman", [
      { keys: ["a"], words: "Antrean", run: () => (location.hash = "#antrean") },
      { keys: ["t"], words: "Tempel laporan", run: () => (location.hash = "#tempel") },
      { keys: ["s"], words: "Statistik", run: () => (location.hash = "#statistik") },
      { keys: ["o"], words: "Pengaturan petugas", run: act.openSettings },
    ]),
  ];
}
