// Numbers as people read them.

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3, useGrouping: true });
const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });

export const count = (value) => (Math.abs(value) < 10_000 ? exact.format(value) : compact.format(value));
export const whole = (value) => exact.format(value);
export const dollars = (value) => money.format(value);

export function active(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${exact.format(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
