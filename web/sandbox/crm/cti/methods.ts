/** Open CTI's Lightning methods, done on this page. Pure but for what the `Console` does. */

import type { Method, Response } from "../../shared/opencti";
import { CALL_TYPES, POP_TYPES } from "../../shared/opencti";
import type { Fields } from "../../shared/rest";
import { objectOf, shownObject } from "../objects";
import type { Found } from "../search";
import { SEARCHED } from "../search";
import type { View } from "../tabs";

/** What the methods need of the page. */
export interface Console {
  view(): View;
  viewName(): string;
  open(view: View): void;
  refresh(): void;
  search(text: string): Promise<Found[]>;
  create(object: string, fields: Fields): Promise<string>;
  update(object: string, id: string, fields: Fields): Promise<void>;
  panel: {
    visible(): boolean;
    setVisible(visible: boolean): void;
    setSize(size: { height?: number; width?: number }): void;
    setLabel(label: string): void;
  };
  setClickToDial(enabled: boolean): void;
  settings(): Record<string, string>;
}

type Args = Record<string, unknown>;

class Refused extends Error {
  constructor(
    readonly code: "INVALID_PARAM" | "GENERIC_ERROR" | "SERVER_ERROR",
    description: string,
    readonly details?: unknown,
  ) {
    super(description);
  }
}

const invalid = (name: string, rule: string) =>
  new Refused("INVALID_PARAM", `The parameter '${name}' is invalid: ${rule}.`);

export const done = (returnValue: unknown = null): Response => ({ success: true, returnValue, errors: null });

export const failed = (
  code: "INVALID_PARAM" | "GENERIC_ERROR" | "SERVER_ERROR" | "SOFTPHONE_CONTAINER_ERROR",
  description: string,
  details?: unknown,
): Response => ({
  success: false,
  returnValue: null,
  errors: [{ code, description, ...(details === undefined ? {} : { details }) }],
});

/** Performs one method. Never throws: what goes wrong is an answer. */
export async function perform(page: Console, method: Method, args: Args): Promise<Response> {
  try {
    return done(await METHODS[method](page, args));
  } catch (error) {
    if (error instanceof Refused) return failed(error.code, error.message, error.details);
    return failed("GENERIC_ERROR", error instanceof Error ? error.message : "the method failed");
  }
}

const METHODS: Record<Method, (page: Console, args: Args) => unknown> = {
  enableClickToDial: (page) => switchClicks(page, true),
  disableClickToDial: (page) => switchClicks(page, false),
  onClickToDial: () => null,
  onNavigationChange: () => null,
  getAppViewInfo: viewInfo,
  getCallCenterSettings: (page) => page.settings(),
  getSoftphoneLayout: () => layout(),
  isSoftphonePanelVisible: (page) => ({ visible: page.panel.visible() }),
  notifyInitializationComplete: () => null,
  refreshView: (page) => {
    page.refresh();
    return null;
  },
  runApex: (_page, args) => {
    text(args, "apexClass");
    text(args, "methodName");
    text(args, "methodParams");
    throw new Refused("SERVER_ERROR", "The Apex class could not be loaded: this org has none.");
  },
  saveLog,
  screenPop,
  searchAndScreenPop,
  setSoftphoneItemIcon: (_page, args) => {
    text(args, "key");
    return null;
  },
  setSoftphoneItemLabel: (page, args) => {
    page.panel.setLabel(text(args, "label"));
    return null;
  },
  setSoftphonePanelIcon: (_page, args) => {
    text(args, "key");
    return null;
  },
  setSoftphonePanelLabel: (_page, args) => {
    text(args, "label");
    return null;
  },
  setSoftphonePanelHeight: (page, args) => {
    page.panel.setSize({ height: within(args, "heightPX", 240, 2560) });
    return null;
  },
  setSoftphonePanelWidth: (page, args) => {
    page.panel.setSize({ width: within(args, "widthPX", 200, 1920) });
    return null;
  },
  setSoftphonePanelVisibility: (page, args) => {
    if (typeof args.visible !== "boolean") throw invalid("visible", "it must be true or false");
    page.panel.setVisible(args.visible);
    return null;
  },
};

function switchClicks(page: Console, enabled: boolean): null {
  page.setClickToDial(enabled);
  return null;
}

function text(args: Args, name: string): string {
  const value = args[name];
  if (typeof value !== "string" || value === "") throw invalid(name, "it must be a text");
  return value;
}

function within(args: Args, name: string, least: number, most: number): number {
  const value = args[name];
  if (typeof value !== "number" || !Number.isFinite(value) || value < least || value > most)
    throw invalid(name, `it must be a number from ${least} to ${most}`);
  return value;
}

function map(value: unknown): Record<string, string> {
  if (value === null || value === undefined || typeof value !== "object") return {};
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each ?? "")]));
}

function viewInfo(page: Console): unknown {
  const view = page.view();
  if (view.kind !== "record") return { url: location.pathname };
  return { url: location.pathname, recordId: view.id, recordName: page.viewName(), objectType: view.object };
}

export function layout(): unknown {
  const objects = Object.fromEntries(
    SEARCHED.map((object) => [object, [{ displayName: "Name", apiName: "Name" }]]),
  );
  const screenPopSettings = {
    screenPopsOpenWithin: "ExistingWindow",
    SingleMatch: { screenPopType: "PopToEntity" },
    MultipleMatches: { screenPopType: "PopToSearch" },
  };
  const one = { callRelatedFields: ["ANI", "DNIS", "SEGMENT", "QUEUE"], objects, screenPopSettings };
  return {
    Inbound: one,
    Outbound: { ...one, screenPopSettings: {} },
    Internal: { ...one, screenPopSettings: {} },
  };
}

async function saveLog(page: Console, args: Args): Promise<unknown> {
  const value = args.value;
  if (value === null || typeof value !== "object") throw invalid("value", "it must be an object");
  const { entityApiName, Id, ...fields } = value as Record<string, unknown>;
  try {
    if (typeof Id === "string" && Id !== "") {
      const object = objectOf(Id);
      if (!object) throw invalid("Id", "it is not a record id");
      await page.update(object, Id, fields);
      return { recordId: Id };
    }
    if (typeof entityApiName !== "string" || entityApiName === "")
      throw invalid("entityApiName", "a new record needs the name of its object");
    return { recordId: await page.create(entityApiName, fields) };
  } catch (error) {
    if (error instanceof Refused) throw error;
    const message = error instanceof Error ? error.message : "the record was not saved";
    throw new Refused("GENERIC_ERROR", message, [{ message }]);
  }
}

function screenPop(page: Console, args: Args): null {
  const params = (args.params ?? {}) as Record<string, unknown>;
  if (typeof params !== "object") throw invalid("params", "it must be an object");
  // What a deferred search gave, handed back as it was.
  if (Array.isArray(params.found)) {
    pop(page, params.found as Found[], String(params.text ?? ""));
    return null;
  }
  switch (args.type) {
    case "SOBJECT": {
      const id = text(params, "recordId");
      const object = objectOf(id);
      if (!object) throw invalid("recordId", "it is not a record id");
      page.open({ kind: "record", object, id });
      return null;
    }
    case "SEARCH": {
      const search = text(params, "searchString");
      if (search.length < 3) throw invalid("searchString", "it needs at least 3 characters");
      page.open({ kind: "search", text: search });
      return null;
    }
    case "NEW_RECORD_MODAL": {
      const object = text(params, "entityName");
      if (!shownObject(object)) throw invalid("entityName", "there is no such object");
      page.open({ kind: "new", object, defaults: map(params.defaultFieldValues) });
      return null;
    }
    case "OBJECTHOME":
    case "LIST": {
      const object = text(params, "scope");
      if (!shownObject(object)) throw invalid("scope", "there is no such object");
      page.open({ kind: "list", object });
      return null;
    }
    case "URL": {
      const url = text(params, "url");
      if (!url.startsWith("/") || url.startsWith("//")) throw invalid("url", "it must be relative");
      const id = url.split(/[/?#]/).find((part) => objectOf(part));
      if (id) page.open({ kind: "record", object: objectOf(id) ?? "", id });
      return null;
    }
    case "FLOW":
      throw new Refused("GENERIC_ERROR", "This org has no active screen flow of that name.");
    default:
      throw invalid("type", `it must be one of ${POP_TYPES.join(", ")}`);
  }
}

async function searchAndScreenPop(page: Console, args: Args): Promise<unknown> {
  const callType = String(args.callType ?? "").toLowerCase();
  if (!(CALL_TYPES as readonly string[]).includes(callType))
    throw invalid("callType", `it must be one of ${CALL_TYPES.join(", ")}`);
  const search = typeof args.searchParams === "string" ? args.searchParams : "";
  const found = search.trim() === "" ? [] : await page.search(search);
  const result: Record<string, unknown> = Object.fromEntries(
    found.map(({ id, name, object, modified }) => [
      id,
      { Id: id, Name: name, RecordType: object, LastModifiedDate: modified },
    ]),
  );
  if (args.deferred === true) result.SCREEN_POP_DATA = { found, text: search };
  // Only inbound calls pop; this layout pops for no other kind.
  else if (callType === "inbound") pop(page, found, search);
  return result;
}

/** By the layout: one match opens it, several open the search page, none nothing. */
function pop(page: Console, found: Found[], search: string): void {
  const [first] = found;
  if (!first) return;
  if (found.length === 1) page.open({ kind: "record", object: first.object, id: first.id });
  else page.open({ kind: "search", text: search });
}
