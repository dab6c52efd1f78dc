// How amounts, moments and durations are written.

const numbers = new Intl.NumberFormat("en");

export const number = (value) => numbers.format(value);

/** Minor units as an amount; they may be more than a double holds, so the text is cut, never calculated with. */
export function money(minorUnits, currency) {
  const places = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const sign = minorUnits.startsWith("-") ? "−" : "";
  const digits = minorUnits.replace("-", "").padStart(places + 1, "0");
  const whole = numbers.format(BigInt(digits.slice(0, digits.length - places)));
  return `${sign}${whole}${places > 0 ? `.${digits.slice(-places)}` : ""}`;
}

/** The time of day, to the millisecond; the date, too, where it is not today's. */
export function moment(text) {
  const at = new Date(text);
  const time = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return at.toDateString() === new Date().toDateString() ? time : `${text.slice(0, 10)} ${time}`;
}

/** Microseconds between two moments as written by the services. */
export function microseconds(from, to) {
  const exact = (text) => Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number((text.slice(20).replace("Z", "") + "000000").slice(0, 6));
  return exact(to) - exact(from);
}

export function duration(seconds) {
  if (seconds < 0.001) return "0 ms";
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** Enough of an id to tell it from others near by; what has it in full says so in its title. */
export const shortId = (id) => `…${id.slice(-8)}`;
