import type { Fields } from "../shared/rest";

/** The value at a field name or path (`Account.Name`), as text; empty when there is none. */
export function fieldText(row: Fields, path: string): string {
  let value: unknown = row;
  for (const part of path.split(".")) {
    if (value === null || typeof value !== "object") return "";
    value = (value as Fields)[part];
  }
  return value === null || value === undefined ? "" : String(value);
}
