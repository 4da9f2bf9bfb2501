/**
 * The sandbox's faults `opencti_error` and `opencti_silent`.
 *
 * The server keeps the list and cannot see a page's calls, so the page counts how often each was used, across its
 * reloads and for all tabs of the origin.
 */
import type { ErrorCode } from "../../shared/opencti";
import { control } from "../../shared/world";

/** An element of `GET /faults`. */
interface Listed {
  id: number;
  kind: string;
  match?: { method?: string };
  /** How often it still happens; null is every time. */
  left: number | null;
  code?: string | null;
}

const PREFIX = "sandbox.fault.";

export type CtiFault = { silent: true } | { silent: false; code: ErrorCode };

/** The fault this call runs into, used up by one; null for none. */
export async function takeFault(method: string, store: Storage = localStorage): Promise<CtiFault | null> {
  const listed = await control<Listed[] | null>("", "GET", "/faults").catch(() => null);
  if (listed) forgetOthers(store, new Set(listed.map(({ id }) => PREFIX + id)));
  for (const fault of listed ?? []) {
    if (fault.kind !== "opencti_error" && fault.kind !== "opencti_silent") continue;
    if (fault.match?.method && fault.match.method !== method) continue;
    const key = PREFIX + fault.id;
    const used = Number(store.getItem(key) ?? "0");
    if (fault.left !== null && used >= fault.left) continue;
    store.setItem(key, String(used + 1));
    if (fault.kind === "opencti_silent") return { silent: true };
    return { silent: false, code: (fault.code as ErrorCode | null | undefined) ?? "GENERIC_ERROR" };
  }
  return null;
}

/** A world that was started anew numbers its faults from one again. */
function forgetOthers(store: Storage, listed: ReadonlySet<string>): void {
  for (let i = store.length - 1; i >= 0; i -= 1) {
    const key = store.key(i);
    if (key?.startsWith(PREFIX) && !listed.has(key)) store.removeItem(key);
  }
}
