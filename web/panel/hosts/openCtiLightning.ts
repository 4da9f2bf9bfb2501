/**
 * Salesforce Lightning, by Open CTI.
 *
 * The script is loaded from the CRM page's own origin, which `container.ts` has matched before. Callbacks may
 * come late, never, or say no; each call here becomes one promise with a deadline. While the container is still
 * building (`SOFTPHONE_CONTAINER_ERROR`) a call is tried again until its deadline.
 *
 * Source: Open CTI Developer Guide, "Methods for Lightning Experience", read 2026-11-20.
 */
import type { Log } from "../log";
import {
  type ClickToDial,
  type FoundRecord,
  type Host,
  HostError,
  type HostEvents,
  type SearchAndPop,
  type SearchAndPopResult,
} from "./host";

/** The answer every method's callback gets. */
interface OpenCtiResponse {
  success: boolean;
  returnValue?: unknown;
  errors?: { code?: string; description?: string; details?: unknown }[] | null;
}

type OpenCtiMethod = (request: Record<string, unknown>) => void;

export interface OpenCti {
  SCREENPOP_TYPE: Record<string, string>;
  CALL_TYPE: Record<string, string>;
  [method: string]: OpenCtiMethod | Record<string, string>;
}

export interface LightningOptions {
  /** From `scriptAddress`. */
  script: string;
  log: Log;
  document?: Document;
  /** How long the script may take, in milliseconds. */
  loadTimeoutMs?: number;
  /** Finds what the script defined; replaced in tests. */
  api?: () => OpenCti | undefined;
}

const START_MS = 8_000;
const PANEL_MS = 1_000;

export function openCtiLightning(options: LightningOptions): Host {
  const { log } = options;
  const page = options.document ?? document;
  const api = options.api ?? (() => (window as { sforce?: { opencti?: OpenCti } }).sforce?.opencti);

  let loading: Promise<OpenCti> | null = null;
  let listening = false;
  let enabled = false;
  let events: HostEvents | null = null;

  function load(): Promise<OpenCti> {
    const there = api();
    if (there) return Promise.resolve(there);
    loading ??= new Promise<OpenCti>((resolve, reject) => {
      const script = page.createElement("script");
      const timer = setTimeout(
        () => fail("crm_page.timeout", "the CRM page's script did not arrive in time"),
        options.loadTimeoutMs ?? 10_000,
      );
      const fail = (code: HostError["code"], detail: string) => {
        clearTimeout(timer);
        // A later attempt loads it again; should this one still arrive, `api()` finds it.
        loading = null;
        reject(new HostError(code, detail));
      };
      script.src = options.script;
      script.async = true;
      script.onload = () => {
        clearTimeout(timer);
        const loaded = api();
        if (loaded) resolve(loaded);
        else fail("crm_page.unavailable", "the CRM page's script does not define sforce.opencti");
      };
      script.onerror = () => {
        script.remove();
        fail("crm_page.script_blocked", "the CRM page's script could not be loaded");
      };
      page.head.append(script);
    });
    return loading;
  }

  /** One call without retry. Settles once, whatever the callback does afterwards. */
  function once(
    cti: OpenCti,
    method: string,
    request: Record<string, unknown>,
    waitMs: number,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new HostError("crm_page.timeout", `${method} was not answered in time`)),
        Math.max(0, waitMs),
      );
      const settle = (act: () => void) => {
        clearTimeout(timer);
        act();
      };
      const callback = (response: OpenCtiResponse | null | undefined) => {
        if (response?.success) settle(() => resolve(response.returnValue ?? null));
        else settle(() => reject(refusal(method, response)));
      };
      try {
        const call = cti[method];
        if (typeof call !== "function")
          throw new HostError("crm_page.unsupported", `this page has no ${method}`);
        call.call(cti, { ...request, callback });
      } catch (error) {
        settle(() =>
          reject(error instanceof HostError ? error : new HostError("crm_page.failed", `${method} threw`)),
        );
      }
    });
  }

  async function call(
    method: string,
    request: Record<string, unknown>,
    deadlineMs: number,
  ): Promise<unknown> {
    const until = Date.now() + deadlineMs;
    const cti = await withDeadline(load(), deadlineMs, method);
    for (let pause = 100; ; pause = Math.min(pause * 2, 1_000)) {
      try {
        return await once(cti, method, request, until - Date.now());
      } catch (error) {
        const building = error instanceof HostError && error.code === "crm_page.not_ready";
        if (!building || Date.now() + pause >= until) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async function listen(cti: OpenCti): Promise<void> {
    if (!listening) {
      // Before enabling: the numbers can be clicked before its answer reaches this frame, and such a click would be
      // lost. Only once: a second listener would dial every click twice.
      listening = true;
      register(cti);
    }
    if (enabled) return;
    await call("enableClickToDial", {}, START_MS);
    enabled = true;
  }

  function register(cti: OpenCti): void {
    invoke(cti, "onClickToDial", (payload) => {
      const click = readClick(payload);
      if (click) events?.clickToDial(click);
      else log.warn("a click without a number was ignored");
    });
    invoke(cti, "onNavigationChange", (payload) => {
      if (payload && typeof payload === "object") events?.navigation(payload as Record<string, unknown>);
    });
  }

  function invoke(cti: OpenCti, method: string, listener: (payload: unknown) => void): void {
    try {
      (cti[method] as OpenCtiMethod | undefined)?.call(cti, { listener });
    } catch {
      log.warn(`${method} could not be registered`);
    }
  }

  const pop = async (type: string, params: Record<string, unknown>, deadlineMs: number): Promise<void> => {
    const cti = await withDeadline(load(), deadlineMs, "screenPop");
    await call("screenPop", { type: cti.SCREENPOP_TYPE?.[type] ?? type, params }, deadlineMs);
  };

  return {
    kind: "lightning",
    operations: ["search_and_pop", "pop_record", "pop_new_record", "refresh"],

    async start(given) {
      events = given;
      const cti = await load();
      await listen(cti);
      // Stops the page's standby timer; what it answers changes nothing for us.
      await call("notifyInitializationComplete", {}, PANEL_MS).catch(() => undefined);
    },

    async searchAndPop(args: SearchAndPop, deadlineMs): Promise<SearchAndPopResult> {
      const cti = await withDeadline(load(), deadlineMs, "searchAndScreenPop");
      const found = await call("searchAndScreenPop", searchRequest(cti, args), deadlineMs);
      return readMatches(found);
    },

    popRecord: (record, deadlineMs) => pop("SOBJECT", { recordId: record }, deadlineMs),

    popNewRecord(object, fields, deadlineMs) {
      const params: Record<string, unknown> = { entityName: object };
      if (Object.keys(fields).length > 0) params.defaultFieldValues = fields;
      return pop("NEW_RECORD_MODAL", params, deadlineMs);
    },

    refresh: (deadlineMs) => call("refreshView", {}, deadlineMs).then(() => undefined),
    show: () => call("setSoftphonePanelVisibility", { visible: true }, PANEL_MS).then(() => undefined),
    label: (text) => call("setSoftphoneItemLabel", { label: text }, PANEL_MS).then(() => undefined),
  };
}

async function withDeadline<T>(promise: Promise<T>, ms: number, method: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new HostError("crm_page.timeout", `${method} was not answered in time`)),
      ms,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function refusal(method: string, response: OpenCtiResponse | null | undefined): HostError {
  const first = response?.errors?.[0];
  const detail = `${method}: ${first?.description ?? first?.code ?? "the page said no without a reason"}`;
  switch (first?.code) {
    case "SOFTPHONE_CONTAINER_ERROR":
      return new HostError("crm_page.not_ready", detail);
    case "INVALID_PARAM":
      return new HostError("crm_page.invalid_param", detail);
    case "SERVER_ERROR":
      return new HostError("crm_page.server_error", detail);
    default:
      return new HostError("crm_page.failed", detail);
  }
}

function searchRequest(cti: OpenCti, args: SearchAndPop): Record<string, unknown> {
  const request: Record<string, unknown> = {
    searchParams: args.search,
    callType: cti.CALL_TYPE?.[args.callType.toUpperCase()] ?? args.callType,
    deferred: args.deferred ?? false,
  };
  if (args.query) request.queryParams = args.query;
  if (args.defaults && Object.keys(args.defaults).length > 0) request.defaultFieldValues = args.defaults;
  return request;
}

/** Records found; the opaque `SCREEN_POP_DATA` of a deferred search is no record. */
export function readMatches(value: unknown): SearchAndPopResult {
  const results: FoundRecord[] = [];
  if (value && typeof value === "object") {
    for (const [key, row] of Object.entries(value as Record<string, unknown>)) {
      if (key === "SCREEN_POP_DATA" || !row || typeof row !== "object") continue;
      const record = row as Record<string, unknown>;
      results.push({
        id: text(record.Id) || key,
        name: text(record.Name),
        type: text(record.RecordType) || text(record.object),
      });
    }
  }
  const only = results.length === 1 ? results[0] : undefined;
  return { count: results.length, ...(only ? { id: only.id } : {}), results };
}

export function readClick(payload: unknown): ClickToDial | null {
  if (!payload || typeof payload !== "object") return null;
  const from = payload as Record<string, unknown>;
  // Documented as a number, arrives as text.
  const number = text(from.number).trim();
  if (number === "") return null;
  const click: ClickToDial = { number };
  for (const key of ["recordId", "recordName", "objectType", "accountId", "contactId", "params"] as const) {
    const value = text(from[key]);
    if (value !== "") click[key] = value;
  }
  if (typeof from.personAccount === "boolean") click.personAccount = from.personAccount;
  return click;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
