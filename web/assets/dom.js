// el makes an element. Strings among the children become text, whatever they hold.
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const timeIn = (format) => (at) =>
  el("time", { datetime: at, title: new Date(at).toLocaleString() }, format.format(new Date(at)));
export const dayTime = timeIn(day);
export const clockTime = timeIn(clock);

export function length(seconds) {
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

// Foreign text stays apart from ours, also when it is written from right to left.
export const foreign = (text) => el("bdi", null, text);
export const caller = (from) => (from === "anonymous" ? "Withheld number" : from);
export const line = (number) => el("span", null, number.label ? foreign(number.label) : null,
  number.label ? " · " : null, number.phoneNumber);
