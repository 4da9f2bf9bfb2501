import { beforeEach, expect, it } from "vitest";
import { nothing, randomToken, tabMemory } from "./memory";

const names = () => {
  let n = 0;
  return () => {
    n += 1;
    return `name-${n}`;
  };
};

/** A window with the storage given; `hide` is what a reload does to it. */
function page(storage: Storage | "refused") {
  const listeners: Record<string, () => void> = {};
  const view = {
    addEventListener: (name: string, listener: () => void) => {
      listeners[name] = listener;
    },
    get sessionStorage(): Storage {
      if (storage === "refused") throw new DOMException("denied", "SecurityError");
      return storage;
    },
  } as unknown as Window;
  return { view, hide: () => listeners.pagehide?.() };
}

beforeEach(() => sessionStorage.clear());

it("keeps the tab's name and what it remembers over a reload", () => {
  const before = page(sessionStorage);
  const memory = tabMemory("demo", names(), before.view);
  memory.write({ ...nothing(), once: { "k-1": { status: "started" } } });
  before.hide();
  const after = tabMemory("demo", names(), page(sessionStorage).view);
  expect(after.tab).toBe(memory.tab);
  expect(after.read().once).toEqual({ "k-1": { status: "started" } });
});

it("gives a duplicated tab a name of its own", () => {
  const ids = names();
  const first = tabMemory("demo", ids, page(sessionStorage).view);
  const twin = tabMemory("demo", ids, page(sessionStorage).view);
  expect(twin.tab).not.toBe(first.tab);
});

it("keeps workspaces apart", () => {
  const memory = tabMemory("demo", names(), page(sessionStorage).view);
  memory.write({ ...nothing(), once: { "k-1": { status: "started" } } });
  expect(tabMemory("other", names(), page(sessionStorage).view).read().once).toEqual({});
});

it("works with memory alone when the browser refuses storage, and says so", () => {
  const memory = tabMemory("demo", names(), page("refused").view);
  expect(memory.lasting).toBe(false);
  memory.write({ ...nothing(), reloadedFor: "1.0.0" });
  expect(memory.read().reloadedFor).toBe("1.0.0");
});

it("starts afresh from storage that is damaged", () => {
  sessionStorage.setItem("tieline.session.demo", "{not json");
  expect(tabMemory("demo", names(), page(sessionStorage).view).read()).toEqual(nothing());
});

it("gives up events before the notes of what was begun when storage is full", () => {
  const kept = new Map<string, string>();
  const small = {
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => kept.delete(key),
    setItem: (key: string, value: string) => {
      if (value.length > 400) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, value);
    },
  } as unknown as Storage;
  const memory = tabMemory("demo", names(), page(small).view);
  const events = Array.from({ length: 50 }, (_, n) => ({
    n,
    id: `e-${n}`,
    source: "agent",
    event: "init",
    seen_at: 0,
  }));
  memory.write({ ...nothing(), events, once: { "k-1": { status: "started" } } });
  expect(memory.read()).toMatchObject({ events: [], once: { "k-1": { status: "started" } } });
});

it("makes names of 128 random bits", () => {
  expect(randomToken()).toMatch(/^[0-9a-f]{32}$/);
  expect(randomToken()).not.toBe(randomToken());
});
