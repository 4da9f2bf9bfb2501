import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Command } from "../../shared/protocol";
import { type Host, HostError } from "../hosts/host";
import { standalone } from "../hosts/standalone";
import { type Phone, PhoneError } from "../phones/phone";
import { capabilities, type Places, perform } from "./perform";

function places(host: Partial<Host> = {}, phone: Partial<Phone> = {}): Places & { notices: string[] } {
  const notices: string[] = [];
  return {
    host: { ...standalone(), ...host },
    phone: { dial: () => Promise.resolve({ contactId: "c-9" }), ...phone } as Phone,
    notice: (level, text) => notices.push(`${level}: ${text}`),
    phoneReady: () => Promise.resolve(true),
    notices,
  };
}

function command(op: string, args: Record<string, unknown>, change: Partial<Command> = {}): Command {
  const [place, name] = op.split(".") as [Command["place"], string];
  const frame = { seq: 1, cmd: "k", run: "r", step: "s", deadline_ms: 0, once: place === "phone" };
  return { ...frame, place, op: name, args, ...change };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("searches and answers count, id and results", async () => {
  const searchAndPop = vi.fn(() => Promise.resolve({ count: 1, id: "003", results: [] }));
  const args = { search: "+12025550143", call_type: "inbound", deferred: false };
  const outcome = await perform(command("crm_page.search_and_pop", args), 8_000, places({ searchAndPop }));
  expect(searchAndPop).toHaveBeenCalledWith(
    { search: "+12025550143", callType: "inbound", deferred: false },
    8_000,
  );
  expect(outcome).toEqual({ status: "done", output: { count: 1, id: "003", results: [] } });
});

it("dials and answers the new contact's id", async () => {
  const outcome = await perform(command("phone.dial", { number: "+12025550147" }), 15_000, places());
  expect(outcome).toEqual({ status: "done", output: { contact_id: "c-9" } });
});

it("shows a notice", async () => {
  const at = places();
  await perform(command("panel.notice", { level: "warning", text: "look" }), 1_000, at);
  expect(at.notices).toEqual(["warning: look"]);
});

it.each([
  ["crm_page.search_and_pop", { search: "", call_type: "inbound" }],
  ["crm_page.search_and_pop", { search: "x", call_type: "sideways" }],
  ["crm_page.pop_record", { record: 7 }],
  ["phone.dial", {}],
  ["panel.notice", { text: null }],
])("%s with %o fails for its arguments", async (op, args) => {
  expect(await perform(command(op, args), 1_000, places())).toMatchObject({
    status: "failed",
    error: { code: "bad_args" },
  });
});

it.each(["crm_page.teleport", "moon.dial", "crm_page.constructor"])("cannot do %s", async (op) => {
  expect(await perform(command(op, {}), 1_000, places())).toMatchObject({ error: { code: "unsupported" } });
});

it("fails with the host's own code", async () => {
  const popRecord = () => Promise.reject(new HostError("crm_page.invalid_param", "recordId"));
  const outcome = await perform(
    command("crm_page.pop_record", { record: "003" }),
    3_000,
    places({ popRecord }),
  );
  expect(outcome).toEqual({
    status: "failed",
    error: { code: "crm_page.invalid_param", detail: "recordId" },
  });
});

it("answers at the deadline when the CRM page never does", async () => {
  const refresh = () => new Promise<void>(() => undefined);
  const outcome = perform(command("crm_page.refresh", {}), 3_000, places({ refresh }));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await outcome).toMatchObject({ status: "expired", error: { code: "timeout" } });
});

it.each([
  ["never answered", () => new Promise<never>(() => undefined)],
  ["given up by the softphone", () => Promise.reject(new PhoneError("phone.timeout", "late"))],
])("does not say that a dial %s did not happen", async (_what, dial) => {
  const outcome = perform(command("phone.dial", { number: "+12025550147" }), 15_000, places({}, { dial }));
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await outcome).toMatchObject({ status: "failed", error: { code: "outcome_unknown" } });
});

it("does not dial with a softphone that does not get ready", async () => {
  const dial = vi.fn();
  const at = { ...places({}, { dial }), phoneReady: () => Promise.resolve(false) };
  const outcome = await perform(command("phone.dial", { number: "+12025550147" }), 15_000, at);
  expect(outcome).toMatchObject({ status: "failed", error: { code: "phone.not_ready" } });
  expect(dial).not.toHaveBeenCalled();
});

it("tells the server only what the host can do", () => {
  expect(capabilities(standalone())).toEqual(["phone.dial", "panel.notice"]);
});
