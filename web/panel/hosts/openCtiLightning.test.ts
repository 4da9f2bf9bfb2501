import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silent } from "../log";
import { type ClickToDial, HostError } from "./host";
import { type OpenCti, openCtiLightning, readMatches } from "./openCtiLightning";

type Reply = { success: boolean; returnValue?: unknown; errors?: unknown };
type Script = Record<string, Reply | Reply[] | "silent" | "throw">;

const good = (returnValue: unknown = null): Reply => ({ success: true, returnValue, errors: null });
const bad = (code: string): Reply => ({
  success: false,
  returnValue: null,
  errors: [{ code, description: "no" }],
});

/** A CRM page that answers as the test says; everything else succeeds. */
function fakePage(script: Script = {}) {
  const calls: { method: string; request: Record<string, unknown> }[] = [];
  const listeners: Record<string, ((payload: unknown) => void)[]> = {};
  const cti = new Proxy({} as OpenCti, {
    get(_target, method: string) {
      // A promise asks what it resolves to whether it is one itself.
      if (method === "then") return undefined;
      if (method === "SCREENPOP_TYPE") return { SOBJECT: "sobject", NEW_RECORD_MODAL: "newRecord" };
      if (method === "CALL_TYPE") return { INBOUND: "inbound" };
      return (request: Record<string, unknown>) => {
        calls.push({ method, request });
        if (typeof request.listener === "function") {
          listeners[method] = [...(listeners[method] ?? []), request.listener as (payload: unknown) => void];
          return;
        }
        const planned = script[method];
        const reply = Array.isArray(planned) ? (planned.length > 1 ? planned.shift() : planned[0]) : planned;
        if (reply === "throw") throw new Error("broken page");
        if (reply === "silent") return;
        queueMicrotask(() => (request.callback as (r: Reply) => void)(reply ?? good()));
      };
    },
  });
  return {
    cti,
    calls,
    listeners,
    count: (method: string) => calls.filter((call) => call.method === method).length,
  };
}

function hostOn(page: ReturnType<typeof fakePage>) {
  return openCtiLightning({ script: "http://crm.example/x.js", log: silent, api: () => page.cti });
}

const nobody = { clickToDial: () => undefined, navigation: () => undefined };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("click-to-dial", () => {
  it("is listened to once, and enabled until that succeeded", async () => {
    const page = fakePage({ enableClickToDial: [bad("GENERIC_ERROR"), good()] });
    const host = hostOn(page);
    await expect(host.start(nobody)).rejects.toBeInstanceOf(HostError);
    await host.start(nobody);
    await host.start(nobody);
    expect(page.count("onClickToDial")).toBe(1);
    expect(page.count("enableClickToDial")).toBe(2);
  });

  it("loses no click made before the answer to enabling has arrived", async () => {
    const page = fakePage({ enableClickToDial: "silent" });
    const clicks: ClickToDial[] = [];
    void hostOn(page)
      .start({ ...nobody, clickToDial: (click) => clicks.push(click) })
      .catch(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(page.calls.map(({ method }) => method)).toEqual([
      "onClickToDial",
      "onNavigationChange",
      "enableClickToDial",
    ]);
    page.listeners.onClickToDial?.[0]?.({ number: "+12025550147" });
    expect(clicks).toEqual([{ number: "+12025550147" }]);
  });

  it("brings number and record as text", async () => {
    const page = fakePage();
    const clicks: ClickToDial[] = [];
    await hostOn(page).start({ ...nobody, clickToDial: (click) => clicks.push(click) });
    const tell = page.listeners.onClickToDial?.[0];
    tell?.({ number: 2025550147, recordId: "003", recordName: "Sean O'Neil", objectType: "Contact" });
    tell?.({ recordId: "003" });
    tell?.(null);
    expect(clicks).toEqual([
      { number: "2025550147", recordId: "003", recordName: "Sean O'Neil", objectType: "Contact" },
    ]);
  });
});

describe("a call to the page", () => {
  it.each([
    ["INVALID_PARAM", "crm_page.invalid_param"],
    ["GENERIC_ERROR", "crm_page.failed"],
    ["SERVER_ERROR", "crm_page.server_error"],
    ["SOMETHING_NEW", "crm_page.failed"],
  ])("that fails with %s rejects with %s", async (code, expected) => {
    const host = hostOn(fakePage({ screenPop: bad(code) }));
    await expect(host.popRecord("003", 3_000)).rejects.toMatchObject({ code: expected });
  });

  it("is tried again while the container is not ready", async () => {
    const page = fakePage({
      refreshView: [bad("SOFTPHONE_CONTAINER_ERROR"), bad("SOFTPHONE_CONTAINER_ERROR"), good()],
    });
    const refreshed = hostOn(page).refresh(3_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await refreshed;
    expect(page.count("refreshView")).toBe(3);
  });

  it("gives up a container that never gets ready at its deadline", async () => {
    const page = fakePage({ refreshView: bad("SOFTPHONE_CONTAINER_ERROR") });
    const refreshed = expect(hostOn(page).refresh(3_000)).rejects.toMatchObject({
      code: "crm_page.not_ready",
    });
    await vi.advanceTimersByTimeAsync(3_100);
    await refreshed;
  });

  it("that is never answered ends at its deadline", async () => {
    const host = hostOn(fakePage({ searchAndScreenPop: "silent" }));
    const search = host.searchAndPop({ search: "Keller", callType: "inbound" }, 8_000);
    const rejected = expect(search).rejects.toMatchObject({ code: "crm_page.timeout" });
    await vi.advanceTimersByTimeAsync(8_000);
    await rejected;
  });

  it("that throws rejects and breaks nothing", async () => {
    const host = hostOn(fakePage({ screenPop: "throw" }));
    await expect(host.popRecord("003", 3_000)).rejects.toMatchObject({ code: "crm_page.failed" });
  });

  it("uses the page's own constants", async () => {
    const page = fakePage();
    const host = hostOn(page);
    await host.popRecord("003", 3_000);
    await host.popNewRecord("Case", { Subject: "=SUM(A1)" }, 3_000);
    const pops = page.calls.map(({ request: { callback: _, ...rest } }) => rest);
    expect(pops).toEqual([
      { type: "sobject", params: { recordId: "003" } },
      { type: "newRecord", params: { entityName: "Case", defaultFieldValues: { Subject: "=SUM(A1)" } } },
    ]);
  });
});

describe("matches", () => {
  it("are counted without the data of a deferred pop", () => {
    const row = { Id: "003A", Name: "Anna Keller", RecordType: "Contact" };
    expect(readMatches({ "003A": row, SCREEN_POP_DATA: { opaque: true } })).toEqual({
      count: 1,
      id: "003A",
      results: [{ id: "003A", name: "Anna Keller", type: "Contact" }],
    });
  });

  it("name no record when there are several or none", () => {
    const two = readMatches({ a: { Id: "a", Name: "Dana" }, b: { Id: "b", Name: "Eli" } });
    expect(two.count).toBe(2);
    expect(two.id).toBeUndefined();
    expect(readMatches(null)).toEqual({ count: 0, results: [] });
  });
});

describe("the page's script", () => {
  const options = (api: () => OpenCti | undefined) => ({
    script: "http://crm.example/support/api/62.0/lightning/opencti_min.js",
    log: silent,
    api,
    loadTimeoutMs: 2_000,
  });

  /** Takes the script element instead of loading it. */
  function catchScript() {
    const scripts: HTMLScriptElement[] = [];
    vi.spyOn(document.head, "append").mockImplementation((node) => {
      scripts.push(node as HTMLScriptElement);
    });
    return scripts;
  }

  it("that cannot be loaded is an error with a name, and is asked for again", async () => {
    const page = fakePage();
    let there = false;
    const scripts = catchScript();
    const host = openCtiLightning(options(() => (there ? page.cti : undefined)));
    const first = expect(host.start(nobody)).rejects.toMatchObject({ code: "crm_page.script_blocked" });
    scripts[0]?.onerror?.(new Event("error"));
    await first;
    const second = host.start(nobody);
    there = true;
    scripts[1]?.onload?.(new Event("load"));
    await second;
    expect(scripts).toHaveLength(2);
  });

  it("that arrives late is used by the next attempt", async () => {
    const page = fakePage();
    let there = false;
    catchScript();
    const host = openCtiLightning(options(() => (there ? page.cti : undefined)));
    const first = expect(host.start(nobody)).rejects.toMatchObject({ code: "crm_page.timeout" });
    await vi.advanceTimersByTimeAsync(2_000);
    await first;
    there = true;
    await host.start(nobody);
    expect(page.count("onClickToDial")).toBe(1);
  });

  it("that defines nothing is an error with a name", async () => {
    const scripts = catchScript();
    const host = openCtiLightning(options(() => undefined));
    const started = expect(host.start(nobody)).rejects.toMatchObject({ code: "crm_page.unavailable" });
    scripts[0]?.onload?.(new Event("load"));
    await started;
  });
});
