/** A time as a person reads it: today by the clock, otherwise by the day. */
export function when(value: unknown, now = new Date()): string {
  if (typeof value !== "string" || value === "") return "";
  const at = new Date(value.replace(/\+0000$/, "Z"));
  if (Number.isNaN(at.getTime())) return value;
  const today = at.toDateString() === now.toDateString();
  return at.toLocaleString(
    "en-GB",
    today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" },
  );
}
