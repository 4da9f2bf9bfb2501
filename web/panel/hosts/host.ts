/**
 * What the panel asks of the CRM page around it.
 *
 * One file per page API implements this; `choose.ts` picks. A host never touches the softphone, never talks to
 * our server, and never throws synchronously: every method answers within its deadline or rejects with a
 * `HostError`, because a CRM page that keeps silent must not break call control.
 */
export interface Host {
  /** As in `hello.page.host`. */
  readonly kind: "lightning" | "standalone";
  /** The commands of place `crm_page` this host carries out, without the place. */
  readonly operations: readonly CrmOperation[];
  /** Resolves when commands can be carried out; rejects with what is wrong. May be called again after that. */
  start(events: HostEvents): Promise<void>;
  searchAndPop(args: SearchAndPop, deadlineMs: number): Promise<SearchAndPopResult>;
  popRecord(record: string, deadlineMs: number): Promise<void>;
  popNewRecord(object: string, fields: Record<string, unknown>, deadlineMs: number): Promise<void>;
  refresh(deadlineMs: number): Promise<void>;
  /** Makes the panel visible, for example when a call rings while it is minimised. */
  show(): Promise<void>;
  /** Text on the utility item; a host without one ignores it. */
  label(text: string): Promise<void>;
}

export type CrmOperation = "search_and_pop" | "pop_record" | "pop_new_record" | "refresh";

export interface SearchAndPop {
  search: string;
  callType: "inbound" | "outbound" | "internal";
  /** Passed to pages popped by the layout, as a query string. */
  query?: string;
  /** Field values for a record made from the search. */
  defaults?: Record<string, unknown>;
  /** Search only; the pop waits for a later call. */
  deferred?: boolean;
}

export interface FoundRecord {
  id: string;
  name: string;
  type: string;
}

export interface SearchAndPopResult {
  count: number;
  /** The only match, where there is exactly one. */
  id?: string;
  results: FoundRecord[];
}

/** A person clicked a phone number in the CRM page. */
export interface ClickToDial {
  number: string;
  recordId?: string;
  recordName?: string;
  objectType?: string;
  accountId?: string;
  contactId?: string;
  personAccount?: boolean;
  params?: string;
}

export interface HostEvents {
  clickToDial(click: ClickToDial): void;
  navigation(page: Record<string, unknown>): void;
}

/** Why the CRM page did not do what was asked; `code` goes to the flow's trace. */
export class HostError extends Error {
  constructor(
    readonly code:
      | "crm_page.unavailable"
      | "crm_page.script_blocked"
      | "crm_page.not_ready"
      | "crm_page.timeout"
      | "crm_page.invalid_param"
      | "crm_page.server_error"
      | "crm_page.failed"
      | "crm_page.unsupported",
    detail: string,
  ) {
    super(detail);
    this.name = "HostError";
  }
}
