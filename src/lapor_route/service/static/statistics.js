/** The statistics view: how much came in, what was decided, and how often officers agreed. */

import { statistics } from "./api.js";
import { stackedDays } from "./chart.js";
import { byId, el, show } from "./dom.js";
import { attempt } from "./notices.js";
import { longDay, number, percent, shortName, weekday } from "./words.js";

const RANGES = [7, 30, 90];
const SERIES = [
  { name: "forward", words: "Diteruskan" },
  { name: "review", words: "Perlu diperiksa" },
  { name: "ask", words: "Perlu ditanyakan" },
];
const VERDICTS = [
  { name: "accepted", words: "Sesuai usulan" },
  { name: "changed", words: "Diubah petugas" },
  { name: "out_of_scope", words: "Bukan kewenangan" },
];

let latest = 0;

/** Loads and shows the figures of the last 7, 30 or 90 days. */
export async function showStatistics(days) {
  const range = RANGES.includes(days) ? days : 30;
  const turn = (latest += 1);
  showRanges(range);
  byId("statistics-body").setAttribute("aria-busy", "true");
  const answer = await attempt(() => statistics(range));
  if (turn !== latest) return;
  byId("statistics-body").setAttribute("aria-busy", "false");
  if (answer) show(byId("statistics-body"), contents(answer.data, range));
}

function showRanges(range) {
  const ranges = byId("ranges");
  if (!ranges.children.length) {
    show(
      ranges,
      RANGES.map((days) => el("a", { href: `#statistik/${days}`, class: "range" }, `${days} hari`)),
    );
  }
  for (const link of ranges.children) {
    if (link.hash === `#statistik/${range}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function contents(data, range) {
  const total = SERIES.reduce((sum, { name }) => sum + data.decisions[name], 0);
  const given = VERDICTS.reduce((sum, { name }) => sum + data.feedback[name], 0);
  return [
    tiles(data, total, given, range),
    total
      ? dayCard(data.days, total)
      : el(
          "section",
          { class: "card nothing" },
          el("h2", {}, "Belum ada laporan"),
          el("p", {}, `Tidak ada laporan dalam ${range} hari terakhir.`),
        ),
    el(
      "div",
      { class: "halves" },
      shareCard("Keputusan router", data.decisions, SERIES, total, "Belum ada laporan pada rentang ini."),
      shareCard(
        "Keputusan petugas",
        data.feedback,
        VERDICTS,
        given,
        "Belum ada keputusan petugas pada rentang ini.",
      ),
    ),
    changedCard(data.most_changed),
  ];
}

function tiles(data, total, given, range) {
  const tile = (name, value, beside) =>
    el(
      "div",
      { class: "tile" },
      el("dt", {}, name),
      el("dd", {}, el("span", { class: "tile-value" }, value), el("span", { class: "tile-beside" }, beside)),
    );
  const share = (value) => (value === null || value === undefined ? "–" : percent(value));
  return el(
    "dl",
    { class: "tiles" },
    tile("Laporan masuk", number(total), `${range} hari terakhir`),
    tile(
      "Diteruskan otomatis",
      total ? percent(data.decisions.forward / total) : "–",
      `${number(data.decisions.forward)} laporan`,
    ),
    tile(
      "Usulan disetujui",
      share(data.agreement),
      given ? `dari ${number(given)} keputusan` : "belum ada keputusan",
    ),
    tile("Penerusan disetujui", share(data.forward_agreement), "menurut petugas"),
    tile("Menunggu petugas", number(data.waiting), "saat ini"),
  );
}

function dayCard(days, total) {
  const chart = el("div", { class: "chart" });
  const busiest = days.reduce((most, each) => (each.routings > most.routings ? each : most));
  const summary =
    `Laporan per hari: ${number(total)} seluruhnya, terbanyak ${number(busiest.routings)} ` +
    `pada ${longDay(busiest.date)}. Angkanya ada pada tabel di bawah.`;
  stackedDays(chart, days, SERIES, summary);
  return el(
    "section",
    { class: "card", "aria-labelledby": "days-title" },
    el("header", { class: "card-head" }, el("h2", { id: "days-title" }, "Laporan per hari"), legend(SERIES)),
    chart,
    el("details", {}, el("summary", {}, "Lihat sebagai tabel"), dayTable(days)),
  );
}

function legend(series) {
  return el(
    "ul",
    { class: "legend", "aria-hidden": "true" },
    series.map(({ name, words }) => el("li", {}, el("span", { class: `swatch ${name}` }), words)),
  );
}

function dayTable(days) {
  const heads = ["Hari", "Laporan", ...SERIES.map(({ words }) => words)];
  return table(
    "Laporan per hari",
    heads,
    [...days]
      .reverse()
      .map((each) => [weekday(each.date), number(each.routings), ...SERIES.map(({ name }) => number(each[name]))]),
  );
}

function shareCard(title, counts, series, total, nothing) {
  const id = `share-${series[0].name}`;
  const bar = (name) => {
    const fill = el("span", { class: `share-fill ${name}` });
    fill.style.width = `${(100 * counts[name]) / total}%`;
    return el("span", { class: "share-bar", "aria-hidden": "true" }, fill);
  };
  return el(
    "section",
    { class: "card", "aria-labelledby": id },
    el("h2", { id }, title),
    total
      ? el(
          "dl",
          { class: "shares" },
          series.map(({ name, words }) =>
            el(
              "div",
              {},
              el("dt", {}, words),
              el(
                "dd",
                {},
                el("span", { class: "number" }, number(counts[name])),
                bar(name),
                el("span", { class: "percent" }, percent(counts[name] / total)),
              ),
            ),
          ),
        )
      : el("p", { class: "faint" }, nothing),
  );
}

function changedCard(changes) {
  return el(
    "section",
    { class: "card", "aria-labelledby": "changed-title" },
    el("h2", { id: "changed-title" }, "Paling sering diubah"),
    changes.length
      ? table(
          "Usulan yang paling sering diubah petugas",
          ["Usulan", "Menjadi", "Kali"],
          changes.map((each) => [
            shortName(each.from_name ?? "–"),
            shortName(each.to_name ?? "–"),
            number(each.count),
          ]),
        )
      : el("p", { class: "faint" }, "Belum ada usulan yang diubah pada rentang ini."),
  );
}

/** A table that scrolls inside itself where it is too wide; columns of figures stand on the right. */
function table(caption, heads, rows) {
  const figures = heads.map((_, column) => rows.every((row) => /^[\d.]+$/.test(row[column])));
  const cell = (kind, words, column) =>
    el(kind, { class: figures[column] && "number", scope: kind === "th" && "col" }, words);
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": `Tabel: ${caption}` },
    el(
      "table",
      {},
      el("caption", { class: "visually-hidden" }, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((head, column) => cell("th", head, column)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            row.map((words, column) => cell("td", words, column)),
          ),
        ),
      ),
    ),
  );
}
