/** Keyboard shortcuts, and the dialog that lists them. */

import { byId, el, show } from "./dom.js";
import { lettersWork } from "./settings.js";

const WRITES = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";
const OWN_ENTER = `${WRITES}, button, a[href], summary, [role=option]`;

/**
 * Makes shortcuts work.
 *
 * @param {{keys: string[], shown?: string, words: string, group: string, run: (key: string) => void}[]} shortcuts
 * @param {Object} always What Ctrl+Enter does: `submit` in the pasted text, `confirm` in a decision.
 */
export function startKeyboard(shortcuts, { submit, confirm }) {
  const help = byId("help");
  const openHelp = () => help.open || help.showModal();
  show(byId("help-list"), helpGroups(shortcuts));
  byId("open-help").addEventListener("click", openHelp);
  byId("help-close").addEventListener("click", () => help.close());

  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (event.repeat) return;
      event.preventDefault();
      void (target.closest("#paste-form") ? submit() : confirm());
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (target.closest(event.key === "Enter" ? OWN_ENTER : WRITES)) return leave(event, target);
    if (event.key !== "Enter" && !lettersWork()) return;
    if (event.key === "?") return void (event.preventDefault(), openHelp());
    const shortcut = shortcuts.find(
      ({ keys }) => keys.includes(event.key) || keys.includes(event.key.toLowerCase()),
    );
    if (!shortcut) return;
    event.preventDefault();
    void shortcut.run(event.key);
  });
}

/** Escape leaves a field, so that the single keys work again. */
function leave(event, target) {
  if (event.key === "Escape" && target.matches("#note, #search")) byId("result-title").focus();
}

function helpGroups(shortcuts) {
  const entries = [
    ...shortcuts,
    { shown: "Ctrl + Enter", words: "Telusuri instansi, atau tetapkan saat menulis catatan", group: "Memutuskan" },
    { shown: "Esc", words: "Tutup dialog atau daftar; keluar dari isian", group: "Halaman" },
    { shown: "?", words: "Bantuan ini", group: "Halaman" },
  ];
  return [...new Set(entries.map(({ group }) => group))].map((group) =>
    el(
      "section",
      {},
      el("h3", {}, group),
      el(
        "dl",
        { class: "shortcuts" },
        entries
          .filter((entry) => entry.group === group)
          .map(({ keys, shown, words }) =>
            el("div", {}, el("dt", {}, el("kbd", {}, shown ?? named(keys[0]))), el("dd", {}, words)),
          ),
      ),
    ),
  );
}

function named(name) {
  return name.length === 1 ? name.toUpperCase() : name;
}
