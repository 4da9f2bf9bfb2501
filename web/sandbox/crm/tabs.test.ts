import { describe, expect, it } from "vitest";
import { searchTerm } from "./search";
import { addressOf, startTabs, tabs, type View, viewAt } from "./tabs";

const anna: View = { kind: "record", object: "Contact", id: "003000000000001AAA" };

describe("the console's tabs", () => {
  it("open a record once however often it is popped", () => {
    const once = tabs(startTabs(), { do: "open", view: anna });
    const named = tabs(once, { do: "title", key: once.active, title: "Anna Keller" });
    const twice = tabs(named, { do: "open", view: anna });
    expect(twice.open.map((tab) => tab.title)).toEqual(["Home", "Anna Keller"]);
  });

  it("keep Home, and go to the neighbour when the active one closes", () => {
    const open = tabs(startTabs(), { do: "open", view: anna });
    const closed = tabs(open, { do: "close", key: open.active });
    expect(closed.active).toBe("home");
    expect(tabs(closed, { do: "close", key: "home" })).toEqual(closed);
  });

  it("have addresses that lead back to them", () => {
    const views: View[] = [
      { kind: "home" },
      anna,
      { kind: "search", text: "O'Neil & Söhne" },
      { kind: "list", object: "Case" },
      { kind: "new", object: "Case", defaults: {} },
    ];
    for (const view of views) {
      const [path = "", query = ""] = addressOf(view).split("?");
      expect(viewAt(path, `?${query}`)).toEqual(view);
    }
  });

  it("show Home for an address that means nothing", () => {
    expect(viewAt("/lightning/r/Contact/<script>/view", "")).toEqual({ kind: "home" });
    expect(viewAt("/lightning/o/Nothing/list", "")).toEqual({ kind: "home" });
  });
});

describe("a number is searched by its digits, a text as it stands", () => {
  it.each([
    ["(202) 555-0143", "2025550143"],
    ["+39 06 5550 0123", "390655500123"],
    ["00001001", "00001001"],
    ["Sean O'Neil", "Sean O'Neil"],
    ["42 Main", "42 Main"],
  ])("%s", (text, term) => expect(searchTerm(text)).toBe(term));
});
