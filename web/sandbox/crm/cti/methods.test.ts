import { describe, expect, it, vi } from "vitest";
import type { Method } from "../../shared/opencti";
import type { Found } from "../search";
import { type Console, perform } from "./methods";

const ANNA: Found = {
  id: "003000000000001AAA",
  name: "Anna Keller",
  object: "Contact",
  hint: "",
  modified: "",
};
const ELI: Found = { ...ANNA, id: "003000000000002AAA", name: "Eli Moss" };

function page(found: Found[] = []): Console {
  return {
    view: () => ({ kind: "record", object: "Contact", id: ANNA.id }),
    viewName: () => "Anna Keller",
    open: vi.fn(),
    refresh: vi.fn(),
    search: vi.fn(async () => found),
    create: vi.fn(async () => "00T000000000001AAA"),
    update: vi.fn(async () => undefined),
    panel: { visible: () => true, setVisible: vi.fn(), setSize: vi.fn(), setLabel: vi.fn() },
    setClickToDial: vi.fn(),
    settings: () => ({ "/reqGeneralInfo/reqUseApi": "true" }),
  };
}

const inbound = { searchParams: "+12025550143", callType: "inbound" };

describe("searchAndScreenPop", () => {
  it("opens the one record that was found", async () => {
    const crm = page([ANNA]);
    const answer = await perform(crm, "searchAndScreenPop", inbound);
    expect(Object.keys(answer.returnValue as object)).toEqual([ANNA.id]);
    expect(crm.open).toHaveBeenCalledExactlyOnceWith({ kind: "record", object: "Contact", id: ANNA.id });
  });

  it("opens the search page when there are several", async () => {
    const crm = page([ANNA, ELI]);
    await perform(crm, "searchAndScreenPop", inbound);
    expect(crm.open).toHaveBeenCalledExactlyOnceWith({ kind: "search", text: "+12025550143" });
  });

  it("opens nothing when nobody is found, and succeeds", async () => {
    const crm = page();
    expect(await perform(crm, "searchAndScreenPop", inbound)).toEqual({
      success: true,
      returnValue: {},
      errors: null,
    });
    expect(crm.open).not.toHaveBeenCalled();
  });

  it("pops later when the search was deferred, and never for an outbound call", async () => {
    const crm = page([ANNA]);
    const answer = await perform(crm, "searchAndScreenPop", { ...inbound, deferred: true });
    await perform(crm, "searchAndScreenPop", { ...inbound, callType: "outbound" });
    expect(crm.open).not.toHaveBeenCalled();
    const { SCREEN_POP_DATA } = answer.returnValue as { SCREEN_POP_DATA: unknown };
    await perform(crm, "screenPop", { params: SCREEN_POP_DATA });
    expect(crm.open).toHaveBeenCalledExactlyOnceWith({ kind: "record", object: "Contact", id: ANNA.id });
  });
});

describe("what is out of range is INVALID_PARAM and changes nothing", () => {
  const bad: [Method, Record<string, unknown>][] = [
    ["setSoftphonePanelHeight", { heightPX: 239 }],
    ["setSoftphonePanelHeight", { heightPX: "400" }],
    ["setSoftphonePanelWidth", { widthPX: 1921 }],
    ["setSoftphonePanelVisibility", { visible: "yes" }],
    ["setSoftphoneItemLabel", {}],
    ["searchAndScreenPop", { searchParams: "x" }],
    ["screenPop", { type: "SEARCH", params: { searchString: "ab" } }],
    ["screenPop", { type: "SOBJECT", params: { recordId: "<img onerror>" } }],
    ["screenPop", { type: "URL", params: { url: "//evil.example.com" } }],
    ["screenPop", { type: "NOTHING", params: {} }],
    ["saveLog", { value: { Subject: "no object" } }],
    ["saveLog", {}],
  ];
  it.each(bad)("%s %o", async (method, args) => {
    const crm = page();
    const answer = await perform(crm, method, args);
    expect(answer.success).toBe(false);
    expect(answer.errors?.[0]?.code).toBe("INVALID_PARAM");
    expect(crm.open).not.toHaveBeenCalled();
    expect(crm.create).not.toHaveBeenCalled();
    expect(crm.panel.setSize).not.toHaveBeenCalled();
  });
});

describe("saveLog", () => {
  it("creates with an object and updates with an id", async () => {
    const crm = page();
    const made = await perform(crm, "saveLog", { value: { entityApiName: "Task", Subject: "Call" } });
    expect(made.returnValue).toEqual({ recordId: "00T000000000001AAA" });
    await perform(crm, "saveLog", { value: { Id: "00T000000000001AAA", Status: "Completed" } });
    expect(crm.update).toHaveBeenCalledExactlyOnceWith("Task", "00T000000000001AAA", { Status: "Completed" });
  });

  it("hands on why the CRM refused", async () => {
    const crm = page();
    vi.mocked(crm.create).mockRejectedValueOnce(new Error("Required fields are missing: [Subject]"));
    const answer = await perform(crm, "saveLog", { value: { entityApiName: "Task" } });
    expect(answer.errors?.[0]).toMatchObject({
      code: "GENERIC_ERROR",
      details: [{ message: expect.any(String) }],
    });
  });
});
