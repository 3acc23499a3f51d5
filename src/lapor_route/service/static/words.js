/** What officers read: the words for the API's codes, and numbers and dates as they are written in Indonesia. */

export const DECISIONS = {
  forward: { title: "Diteruskan", icon: "forward" },
  review: { title: "Perlu diperiksa petugas", icon: "review" },
  ask: { title: "Perlu ditanyakan kepada pelapor", icon: "ask" },
};

export const REASONS = {
  place_missing: "Urusan ini ditangani pemerintah daerah, jadi kabupaten/kotanya perlu diketahui.",
  place_ambiguous: "Tempat kejadian dapat berada di lebih dari satu daerah.",
  tier_ambiguous: "Periksa siapa pengelolanya, misalnya status jalan atau jenjang sekolahnya.",
  topic_ambiguous: "Lebih dari satu instansi mungkin berwenang; bandingkan calon-calon di bawah.",
  out_of_scope: "Bila memang bukan urusan pemerintah, pilih “Bukan kewenangan”.",
  too_short: "Isi laporan belum cukup untuk menentukan masalahnya.",
  rule: "Ada aturan setempat yang meminta laporan seperti ini diperiksa petugas.",
};

const KINDS = {
  ministry: "Kementerian",
  agency: "Lembaga",
  province: "Pemerintah provinsi",
  regency: "Pemerintah kabupaten",
  city: "Pemerintah kota",
};

const UNITS = {
  upt: "UPT",
  branch: "kantor cabang",
  dinas: "perangkat daerah",
  inspectorate: "inspektorat",
  directorate: "direktorat",
  samsat: "Samsat",
  land_office: "kantor pertanahan",
  religious_office: "kantor urusan agama",
  tax_office: "kantor pajak atau bea cukai",
  immigration: "kantor imigrasi",
  prison: "lapas atau rutan",
  court: "pengadilan",
  prosecution: "kejaksaan",
  police: "kepolisian",
  military: "satuan TNI",
  health: "fasilitas kesehatan",
  village_office: "kantor desa/kelurahan",
  district_office: "kantor kecamatan",
  school: "sekolah",
  balai: "balai",
  post_office: "kantor pos",
};

const LEVELS = {
  province: "provinsi",
  regency: "kabupaten",
  city: "kota",
  kecamatan: "kecamatan",
  village: "desa/kelurahan",
  capital: "ibu kota",
  nickname: "nama lain",
  official: "nama pejabat",
  channel: "kanal pemerintah",
  handle: "akun pemerintah",
  utility: "perusahaan daerah",
  street: "jalan",
  landmark: "tempat terkenal",
};

const SHORT = [
  ["Pemerintah Kabupaten ", "Pemkab "],
  ["Pemerintah Kota ", "Pemkot "],
  ["Pemerintah Provinsi ", "Pemprov "],
  ["Pemerintah Daerah ", "Pemda "],
];

/** What kind of body it is: "Pemerintah kota", "BUMN". */
export function kindOf(body) {
  return body.subtype === "lembaga/bumn" ? "BUMN" : (KINDS[body.kind] ?? "");
}

export function unitKind(kind) {
  return UNITS[kind] ?? "unit";
}

export function placeLevel(level) {
  return LEVELS[level] ?? "";
}

/** A body's name as people say it: "Pemkab Sleman". */
export function shortName(name) {
  const match = SHORT.find(([long]) => name.startsWith(long));
  return match ? match[1] + name.slice(match[0].length) : name;
}

/** The area that a regional body governs: "Kabupaten Sleman". */
export function areaName(name) {
  return name.replace(/^Pemerintah (Daerah )?/, "");
}

const WHOLE = new Intl.NumberFormat("id-ID");
const PERCENT = new Intl.NumberFormat("id-ID", { style: "percent", maximumFractionDigits: 0 });
const WEIGHT = new Intl.NumberFormat("id-ID", { maximumFractionDigits: 2, signDisplay: "always" });
const MOMENT = new Intl.DateTimeFormat("id-ID", { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat("id-ID", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("id-ID", { day: "numeric", month: "short", timeZone: "UTC" });
const WEEKDAY = new Intl.DateTimeFormat("id-ID", {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});
const LONG_DAY = new Intl.DateTimeFormat("id-ID", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export const number = (value) => WHOLE.format(value);
export const weight = (value) => WEIGHT.format(value);
export const moment = (value) => MOMENT.format(new Date(value));
export const clock = (value) => CLOCK.format(new Date(value));

/** A calendar day ("2026-11-03"), which has no time zone: "3 Nov". */
export const day = (date) => DAY.format(new Date(`${date}T00:00:00Z`));
/** The same with its weekday: "Sel, 3 Nov". */
export const weekday = (date) => WEEKDAY.format(new Date(`${date}T00:00:00Z`));
export const longDay = (date) => LONG_DAY.format(new Date(`${date}T00:00:00Z`));

/** A share as whole percent; never 0% or 100% where it is only near. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "<1%";
  if (share < 1 && share > 0.99) return ">99%";
  return PERCENT.format(share);
}

export function capitalised(sentence) {
  return sentence.charAt(0).toLocaleUpperCase("id") + sentence.slice(1);
}

/** "a, b dan c". */
export function listed(parts) {
  return parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} dan ${parts.at(-1)}`;
}
