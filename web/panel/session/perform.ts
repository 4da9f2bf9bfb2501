import type { Command, CommandStatus, ErrorDetail, NoticeLevel } from "../../shared/protocol";
import { type Host, HostError } from "../hosts/host";
import { type Phone, PhoneError } from "../phones/phone";

export interface Places {
  host: Host;
  phone: Phone;
  notice(level: NoticeLevel, text: string): void;
  /** Resolves when the softphone is ready, or false when `ms` are over. */
  phoneReady(ms: number): Promise<boolean>;
}

export interface Outcome {
  status: CommandStatus;
  output?: Record<string, unknown>;
  error?: ErrorDetail;
}

/**
 * Carries out one command within `withinMs` and says how it went. Never rejects, and answers even when the CRM page
 * or the softphone never do.
 *
 * To add an operation: a line in `operations`, and its name in the host's or phone's capabilities.
 */
export async function perform(command: Command, withinMs: number, places: Places): Promise<Outcome> {
  const name = `${command.place}.${command.op}`;
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (!operation) return failed("unsupported", `this page cannot do ${name}`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve(overdue(command)), withinMs);
  });
  const work = operation(command.args, withinMs, places)
    .then((output): Outcome => ({ status: "done", output }))
    .catch((error: unknown) => explain(error, command));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The names for `hello.page.capabilities`. */
export function capabilities(host: Host): string[] {
  return [...host.operations.map((op) => `crm_page.${op}`), "phone.dial", "panel.notice"];
}

type Operation = (
  args: Record<string, unknown>,
  withinMs: number,
  places: Places,
) => Promise<Record<string, unknown>>;

const operations: Record<string, Operation> = {
  "crm_page.search_and_pop": async (args, withinMs, { host }) => {
    const callType = optionalText(args.call_type) ?? "inbound";
    if (!isCallType(callType)) throw new BadArgs("call_type is inbound, outbound or internal");
    const query = optionalText(args.query);
    const found = await host.searchAndPop(
      {
        search: text(args.search, "search"),
        callType,
        ...(query ? { query } : {}),
        ...(isObject(args.defaults) ? { defaults: args.defaults } : {}),
        deferred: args.deferred === true,
      },
      withinMs,
    );
    return { ...found };
  },
  "crm_page.pop_record": async (args, withinMs, { host }) => {
    await host.popRecord(text(args.record, "record"), withinMs);
    return {};
  },
  "crm_page.pop_new_record": async (args, withinMs, { host }) => {
    await host.popNewRecord(text(args.object, "object"), isObject(args.fields) ? args.fields : {}, withinMs);
    return {};
  },
  "crm_page.refresh": async (_args, withinMs, { host }) => {
    await host.refresh(withinMs);
    return {};
  },
  "phone.dial": async (args, withinMs, { phone, host, phoneReady }) => {
    const number = text(args.number, "number");
    const queue = optionalText(args.queue);
    const until = Date.now() + withinMs;
    // The server knew a ready softphone; it may have been reloaded since.
    if (!(await phoneReady(withinMs)))
      throw new PhoneError("phone.not_ready", "the softphone did not become ready");
    void host.show().catch(() => undefined);
    const dialled = await phone.dial(
      { number, ...(queue ? { queue } : {}) },
      Math.max(0, until - Date.now()),
    );
    return dialled.contactId ? { contact_id: dialled.contactId } : {};
  },
  "panel.notice": async (args, _withinMs, { notice }) => {
    const level = args.level === "warning" || args.level === "error" ? args.level : "info";
    notice(level, text(args.text, "text").slice(0, 500));
    return {};
  },
};

class BadArgs extends Error {}

function explain(error: unknown, command: Command): Outcome {
  if (error instanceof BadArgs) return failed("bad_args", error.message);
  if (error instanceof PhoneError && error.code === "phone.timeout") return overdue(command);
  if (error instanceof HostError || error instanceof PhoneError) return failed(error.code, error.message);
  return failed("page.failed", "the page failed to carry it out");
}

/** What may have happened must not be reported as not having happened. */
export function overdue(command: Command): Outcome {
  return command.once
    ? failed("outcome_unknown", "it was begun, and no answer came before the deadline")
    : { status: "expired", error: { code: "timeout", detail: "no answer came before the deadline" } };
}

function failed(code: string, detail: string): Outcome {
  return { status: "failed", error: { code, detail } };
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") throw new BadArgs(`${name} is missing`);
  return value;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCallType(value: string): value is "inbound" | "outbound" | "internal" {
  return value === "inbound" || value === "outbound" || value === "internal";
}
