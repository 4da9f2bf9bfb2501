import { describe, expect, it } from "vitest";
import type { Command } from "../../shared/protocol";
import { PoppedAlone } from "./alone";
import { command } from "./testing";

const search = (args: Record<string, unknown>, contact = "c-1") =>
  command({ contact, args }) as unknown as Command;
const found = { count: 1, id: "003", results: [{ id: "003", name: "Anna", type: "Contact" }] };

function popped() {
  const alone = new PoppedAlone();
  alone.note("c-1", "+12025550143", Promise.resolve(found));
  return alone;
}

describe("a caller the page opened alone", () => {
  it.each(["+12025550143", "2025550143", "(202) 555-0143"])(
    "answers the server's search for %s",
    async (number) => {
      expect(await popped().answer(search({ search: number }))).toEqual({ status: "done", output: found });
    },
  );

  it("does so once: a second search is meant", async () => {
    const alone = popped();
    await alone.answer(search({ search: "+12025550143" }));
    expect(await alone.answer(search({ search: "+12025550143" }))).toBeNull();
  });

  it.each([
    ["another contact", search({ search: "+12025550143" }, "c-2")],
    ["another number", search({ search: "+12025550144" })],
    ["an extension", search({ search: "143" })],
    ["a search that pops later", search({ search: "+12025550143", deferred: true })],
  ])("answers nothing for %s", async (_what, asked) => {
    expect(await popped().answer(asked)).toBeNull();
  });

  it("leaves it to the server when the page's own search failed", async () => {
    const alone = new PoppedAlone();
    alone.note("c-1", "+12025550143", Promise.reject(new Error("silent")));
    expect(await alone.answer(search({ search: "+12025550143" }))).toBeNull();
  });
});
