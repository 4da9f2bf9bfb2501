import { beforeEach, expect, it, vi } from "vitest";
import { takeFault } from "./faults";

let listed: unknown[] = [];
beforeEach(() => {
  localStorage.clear();
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(listed)));
});

it("fails the method it is for with its code, as often as it is set", async () => {
  listed = [{ id: 1, kind: "opencti_error", match: { method: "screenPop" }, left: 2, code: "SERVER_ERROR" }];
  expect(await takeFault("refreshView")).toBeNull();
  expect(await takeFault("screenPop")).toEqual({ silent: false, code: "SERVER_ERROR" });
  expect(await takeFault("screenPop")).toEqual({ silent: false, code: "SERVER_ERROR" });
  expect(await takeFault("screenPop")).toBeNull();
});

it("keeps every method silent until it is deleted when nothing narrows it", async () => {
  listed = [{ id: 1, kind: "opencti_silent", match: {}, left: null }];
  for (let i = 0; i < 3; i += 1) expect(await takeFault("screenPop")).toEqual({ silent: true });
});

it("leaves the API's own faults alone", async () => {
  listed = [{ id: 1, kind: "status", match: {}, left: null, code: null }];
  expect(await takeFault("screenPop")).toBeNull();
});

it("counts anew when a new world uses the same number", async () => {
  const once = { id: 1, kind: "opencti_silent", match: {}, left: 1 };
  listed = [once];
  await takeFault("screenPop");
  listed = [];
  await takeFault("screenPop");
  listed = [once];
  expect(await takeFault("screenPop")).toEqual({ silent: true });
});

it("lets calls through when the world does not answer", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("network")));
  expect(await takeFault("screenPop")).toBeNull();
});
