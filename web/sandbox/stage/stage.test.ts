import { describe, expect, it } from "vitest";
import { mine, type SeenCall, stateOf } from "./calls";
import { deliveries, latest, type SeenRequest, writes } from "./happenings";

function call(change: Partial<SeenCall> = {}): SeenCall {
  return {
    contactId: "c-1",
    direction: "inbound",
    state: "ringing",
    started: "2026-11-20T10:00:00Z",
    customer: "+12025550143",
    queue: "Sales",
    agent: "nora.quist",
    disconnectReason: null,
    ...change,
  };
}

describe("the caller's phone", () => {
  it.each([
    ["queued", "waiting"],
    ["ringing", "ringing"],
    ["dialing", "incoming"],
    ["connected", "talking"],
    ["on_hold", "held"],
    ["after_contact_work", "over"],
    ["failed", "over"],
    ["over", "over"],
  ])("shows a call that is %s as %s", (state, shown) => {
    expect(stateOf(call({ state }))).toBe(shown);
  });

  it("shows the call it placed, also when it is over", () => {
    expect(mine([call(), call({ contactId: "c-2" })], "c-1")?.contactId).toBe("c-1");
    expect(mine([call({ state: "over" })], "c-1")?.contactId).toBe("c-1");
  });

  it("rings when an agent calls, after its own call is over", () => {
    const dialled = call({
      contactId: "c-9",
      direction: "outbound",
      state: "dialing",
      started: "2026-11-20T11:00:00Z",
    });
    expect(mine([call({ state: "over" }), dialled], "c-1")?.contactId).toBe("c-9");
  });

  it("leaves the calls of others alone", () => {
    expect(mine([call()], null)).toBeNull();
  });
});

describe("what happened", () => {
  it("tells of deliveries in words, and why one was refused", () => {
    const told = deliveries([
      {
        id: 1,
        at: "2026-11-20T10:00:00Z",
        kind: "event",
        eventType: "CONNECTED_TO_AGENT",
        status: "delivered",
        answered: 202,
      },
      { id: 2, at: "2026-11-20T10:00:09Z", kind: "record", status: "failed", answered: 401 },
    ]);
    expect(told.map(({ text, tone }) => [text, tone])).toEqual([
      ["Connected to agent delivered to Tieline", "delivery"],
      ["Contact record was refused (401)", "problem"],
    ]);
  });

  it("tells of writes, and not of reads", () => {
    const request = (change: Partial<SeenRequest>): SeenRequest => ({
      n: 1,
      time: "2026-11-20T10:00:00Z",
      method: "PATCH",
      path: "/services/data/v62.0/composite/sobjects/Interaction__c/Key__c",
      status: 200,
      committed: true,
      ...change,
    });
    const told = writes([
      request({}),
      request({ n: 2, method: "POST", path: "/services/data/v62.0/composite/sobjects" }),
      request({ n: 3, method: "GET", path: "/services/data/v62.0/sobjects/Task" }),
      request({ n: 4, status: 503 }),
      request({ n: 5, status: null }),
    ]);
    expect(told.map(({ text }) => text)).toEqual([
      "Interaction written to the CRM",
      "Records written to the CRM",
      "Interaction: the CRM said 503",
      "Interaction: no answer yet",
    ]);
  });

  it("is listed newest first, and not without end", () => {
    const at = (n: number) => ({
      key: `${n}`,
      at: `2026-11-20T10:00:${String(n).padStart(2, "0")}Z`,
      text: "",
      tone: "call" as const,
    });
    expect(latest([at(1), at(3), at(2)], 2).map(({ key }) => key)).toEqual(["3", "2"]);
  });

  it("survives answers that are no lists", () => {
    expect(deliveries(null)).toEqual([]);
    expect(deliveries({ status: 500 })).toEqual([]);
  });
});
