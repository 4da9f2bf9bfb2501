/** The console's tabs, as pure state. */

import { objectOf, shownObject } from "./objects";

export type View =
  | { kind: "home" }
  | { kind: "record"; object: string; id: string }
  | { kind: "search"; text: string }
  | { kind: "list"; object: string }
  | { kind: "new"; object: string; defaults: Record<string, string> };

export interface Tab {
  key: string;
  view: View;
  title: string;
}

export interface Tabs {
  open: Tab[];
  active: string;
}

export type TabAction =
  | { do: "open"; view: View }
  | { do: "close"; key: string }
  | { do: "select"; key: string }
  | { do: "title"; key: string; title: string };

const HOME: Tab = { key: "home", view: { kind: "home" }, title: "Home" };

export const startTabs = (): Tabs => ({ open: [HOME], active: HOME.key });

/** One record or search has one tab however often it is opened. */
export function keyOf(view: View): string {
  switch (view.kind) {
    case "home":
      return "home";
    case "record":
      return `record:${view.id}`;
    case "search":
      return "search";
    case "list":
      return `list:${view.object}`;
    case "new":
      return `new:${view.object}`;
  }
}

function titleOf(view: View): string {
  switch (view.kind) {
    case "home":
      return "Home";
    case "record":
      return shownObject(view.object)?.label ?? view.object;
    case "search":
      return "Search";
    case "list":
      return shownObject(view.object)?.plural ?? view.object;
    case "new":
      return `New ${shownObject(view.object)?.label ?? view.object}`;
  }
}

export function tabs(state: Tabs, action: TabAction): Tabs {
  switch (action.do) {
    case "open": {
      const key = keyOf(action.view);
      const there = state.open.find((tab) => tab.key === key);
      const tab = { key, view: action.view, title: there?.title ?? titleOf(action.view) };
      return {
        open: there ? state.open.map((each) => (each.key === key ? tab : each)) : [...state.open, tab],
        active: key,
      };
    }
    case "close": {
      if (action.key === HOME.key) return state;
      const at = state.open.findIndex((tab) => tab.key === action.key);
      if (at < 0) return state;
      const open = state.open.filter((tab) => tab.key !== action.key);
      const next = open[Math.min(at, open.length - 1)] ?? HOME;
      return { open, active: state.active === action.key ? next.key : state.active };
    }
    case "select":
      return state.open.some((tab) => tab.key === action.key) ? { ...state, active: action.key } : state;
    case "title":
      return {
        ...state,
        open: state.open.map((tab) => (tab.key === action.key ? { ...tab, title: action.title } : tab)),
      };
  }
}

/** The address of a view, below `/lightning`. */
export function addressOf(view: View): string {
  switch (view.kind) {
    case "home":
      return "/lightning/page/home";
    case "record":
      return `/lightning/r/${view.object}/${view.id}/view`;
    case "search":
      return `/lightning/search?text=${encodeURIComponent(view.text)}`;
    case "list":
      return `/lightning/o/${view.object}/list`;
    case "new":
      return `/lightning/o/${view.object}/new`;
  }
}

export function viewAt(path: string, query: string): View {
  const parts = path.split("/").filter(Boolean);
  if (parts[1] === "r" && parts[2] && parts[3] && objectOf(parts[3]))
    return { kind: "record", object: parts[2], id: parts[3] };
  if (parts[1] === "search") return { kind: "search", text: new URLSearchParams(query).get("text") ?? "" };
  if (parts[1] === "o" && parts[2] && shownObject(parts[2]))
    return parts[3] === "new"
      ? { kind: "new", object: parts[2], defaults: {} }
      : { kind: "list", object: parts[2] };
  return { kind: "home" };
}
