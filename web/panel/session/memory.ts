import type { CommandStatus, ErrorDetail, EventFrame, Fallback, Token } from "../../shared/protocol";

/** What one `once` command came to; `started` means: begun, and no result was noted. */
export type Noted =
  | { status: "started" }
  | { status: CommandStatus; output?: Record<string, unknown>; error?: ErrorDetail };

/** What outlives a reload of this tab. */
export interface Remembered {
  /** Events the server has not acknowledged, oldest first. Their `n` belongs to the load that made them. */
  events: EventFrame[];
  /** Contact and life-cycle event of what it has acknowledged lately, as the event queue writes them. */
  recorded: string[];
  /** `once` commands by `cmd`, oldest first. */
  once: Record<Token, Noted>;
  /** From the last welcome, for a page that loads while the server is away. */
  fallback: Fallback | null;
  /** The build we already reloaded for, so that a stale cache cannot make us reload for ever. */
  reloadedFor: string | null;
}

/**
 * Keeps `Remembered` while the tab lives. Writing is synchronous: when `write` returns, a reload finds it.
 */
export interface Memory {
  readonly tab: Token;
  /** False when the browser refused storage and everything is gone with the page. */
  readonly lasting: boolean;
  read(): Remembered;
  write(value: Remembered): void;
}

export const nothing = (): Remembered => ({
  events: [],
  recorded: [],
  once: {},
  fallback: null,
  reloadedFor: null,
});

const KEY = "tieline.session.";
const TAB = "tieline.tab";
const LIVE = "tieline.tab.live";

/**
 * Session storage where the browser lets a framed page have it, else memory alone.
 *
 * A duplicated tab starts with a copy of the storage of its twin. `live` is set while a page uses it, so a copy that
 * finds it set takes a tab name of its own.
 */
export function tabMemory(workspace: string, randomId: () => Token, view: Window = window): Memory {
  let storage: Storage | null = null;
  try {
    storage = view.sessionStorage;
    storage.setItem("tieline.probe", "1");
    storage.removeItem("tieline.probe");
  } catch {
    storage = null;
  }
  if (!storage) return pageMemory(randomId());

  const kept = storage;
  const twin = kept.getItem(LIVE) !== null;
  const tab = (!twin && kept.getItem(TAB)) || randomId();
  kept.setItem(TAB, tab);
  kept.setItem(LIVE, "1");
  view.addEventListener("pagehide", () => kept.removeItem(LIVE));
  view.addEventListener("pageshow", () => kept.setItem(LIVE, "1"));

  const key = KEY + workspace;
  return {
    tab,
    lasting: true,
    read() {
      try {
        return { ...nothing(), ...(JSON.parse(kept.getItem(key) ?? "{}") as Partial<Remembered>) };
      } catch {
        return nothing();
      }
    },
    write(value) {
      try {
        kept.setItem(key, JSON.stringify(value));
      } catch {
        // Full: events are worth less than knowing which commands were begun.
        try {
          kept.setItem(key, JSON.stringify({ ...value, events: [] }));
        } catch {
          // Nothing left to try; the page itself still remembers.
        }
      }
    },
  };
}

/** Forgets with the page. */
export function pageMemory(tab: Token): Memory {
  let value = nothing();
  return {
    tab,
    lasting: false,
    read: () => structuredClone(value),
    write: (next) => {
      value = structuredClone(next);
    },
  };
}

/** 128 random bits as text; `crypto.randomUUID` does not exist on plain http. */
export function randomToken(): Token {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
