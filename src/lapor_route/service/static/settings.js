/** Who is working here: the officer's name, kept in this browser, and the API key, kept until the tab closes. */

import { useKeys } from "./api.js";
import { byId } from "./dom.js";

const NAME = "lapor-route.officer";
const KEY = "lapor-route.key";
const LETTERS = "lapor-route.letters";

const listeners = new Set();
let asked = null;

export const officer = () => read(localStorage, NAME);
export const lettersWork = () => read(localStorage, LETTERS) !== "off";

/** Calls `listener` whenever something was saved. */
export function onSettings(listener) {
  listeners.add(listener);
}

export function startSettings() {
  useKeys(
    () => read(sessionStorage, KEY),
    () => ask("Kunci API belum diisi atau tidak berlaku. Isi kunci dari pengelola layanan.", "key"),
  );
  const dialog = byId("settings");
  byId("open-settings").addEventListener("click", () => void openSettings());
  byId("settings-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!save()) return;
    dialog.close("saved");
  });
  byId("settings-cancel").addEventListener("click", () => dialog.close(""));
  byId("settings-officer").addEventListener("input", () => complain(""));
}

/** Opens the dialog. */
export function openSettings() {
  return ask("", "officer");
}

/** The officer's name, asked for where it isn't known yet; nothing where they'd rather not tell. */
export async function needOfficer() {
  if (!officer())
    await ask("Isi nama Anda dahulu, supaya laporan yang sama tidak dikerjakan dua petugas.", "officer");
  return officer();
}

/** Opens the dialog with a message; true when something was saved. Who asks meanwhile shares the answer. */
function ask(message, field) {
  const dialog = byId("settings");
  if (asked) {
    tell(message);
    return asked;
  }
  byId("settings-officer").value = officer();
  byId("settings-key").value = read(sessionStorage, KEY);
  byId("settings-letters").checked = lettersWork();
  tell(message);
  complain("");
  dialog.returnValue = "";
  dialog.showModal();
  byId(`settings-${field}`).focus();
  asked = new Promise((answer) => {
    dialog.addEventListener("close", () => ((asked = null), answer(dialog.returnValue === "saved")), {
      once: true,
    });
  });
  return asked;
}

function tell(message) {
  const box = byId("settings-message");
  box.hidden = !message;
  box.textContent = message;
}

function complain(message) {
  byId("settings-officer-error").textContent = message;
  byId("settings-officer").setAttribute("aria-invalid", String(Boolean(message)));
}

function save() {
  const name = byId("settings-officer").value.trim();
  if (!name) {
    complain("Nama petugas perlu diisi.");
    byId("settings-officer").focus();
    return false;
  }
  write(localStorage, NAME, name);
  write(sessionStorage, KEY, byId("settings-key").value.trim());
  write(localStorage, LETTERS, byId("settings-letters").checked ? "on" : "off");
  for (const listener of listeners) listener();
  return true;
}

const memory = new Map();

function read(storage, name) {
  try {
    return storage.getItem(name) ?? "";
  } catch {
    return memory.get(name) ?? "";
  }
}

/** Where the browser refuses to store, it is kept as long as the page is open. */
function write(storage, name, value) {
  memory.set(name, value);
  try {
    storage.setItem(name, value);
  } catch {
    // Private windows may refuse.
  }
}
