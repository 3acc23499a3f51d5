/** Stacked bars by day, as SVG that follows the width of its box. */

import { show, svg } from "./dom.js";
import { day, longDay, number } from "./words.js";

const HEIGHT = 220;
const TOP = 12;
const BOTTOM = 26;
const LEFT = 40;
const WIDEST_BAR = 36;
const LABEL_WIDTH = 64;

/**
 * Draws into a box, and again whenever its width changes.
 *
 * @param {HTMLElement} box
 * @param {Object[]} days With `date`, and a count for each series.
 * @param {{name: string, words: string}[]} series From the bottom up.
 * @param {string} summary What the chart shows, in words.
 */
export function stackedDays(box, days, series, summary) {
  let drawn = 0;
  const observer = new ResizeObserver(() => {
    const width = Math.floor(box.clientWidth);
    if (!box.isConnected) return observer.disconnect();
    if (!width || width === drawn) return undefined;
    drawn = width;
    return show(box, draw(width, days, series, summary));
  });
  observer.observe(box);
}

function draw(width, days, series, summary) {
  const most = Math.max(1, ...days.map((each) => sumOf(each, series)));
  const ticks = ticksTo(most);
  const high = ticks.at(-1);
  const y = (count) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / high);
  const step = (width - LEFT) / days.length;
  const bar = Math.min(WIDEST_BAR, Math.max(1, step * 0.72));
  const every = Math.ceil(LABEL_WIDTH / step);
  const x = (index) => LEFT + step * index + (step - bar) / 2;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": summary },
    ticks.map((tick) => [
      svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "axis", x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick)),
    ]),
    days.map((each, index) => stack(each, series, x(index), bar, y)),
    days.map((each, index) => {
      // Counted from the end, so that today always has its label.
      const isLabelled = (days.length - 1 - index) % every === 0;
      const middle = Math.min(width - 24, LEFT + step * (index + 0.5));
      return (
        isLabelled &&
        svg("text", { class: "axis", x: middle, y: HEIGHT - 6, "text-anchor": "middle" }, day(each.date))
      );
    }),
  );
}

function stack(each, series, left, width, y) {
  let below = 0;
  const words = series.map(({ name, words: called }) => `${called}: ${number(each[name])}`).join("\n");
  const parts = series.map(({ name }) => {
    const [from, to] = [below, below + each[name]];
    below = to;
    return (
      to > from && svg("rect", { class: name, x: left, width, y: y(to), height: Math.max(0.5, y(from) - y(to)) })
    );
  });
  return svg("g", {}, svg("title", {}, `${longDay(each.date)}\n${words}`), parts);
}

function sumOf(each, series) {
  return series.reduce((sum, { name }) => sum + each[name], 0);
}

/** Round steps from 0 to just above the most: three to six of them. */
function ticksTo(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power,
  );
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}
