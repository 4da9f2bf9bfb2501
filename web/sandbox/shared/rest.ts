/** The CRM's REST API as its own pages use it: same origin, one signed-in user. */

import { control } from "./world";

export interface User {
  id: string;
  name: string;
  username: string;
}

export type Fields = Record<string, unknown>;

export interface Row extends Fields {
  Id: string;
}

/** One of the CRM's errors, as it words them. */
export class CrmError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const API = "/services/data/v62.0";

export class Crm {
  private constructor(
    private readonly token: string,
    readonly user: User,
  ) {}

  static async signIn(username: string): Promise<Crm> {
    const session = await control<{ access_token: string; user: User }>("", "POST", "/sessions", {
      username,
    });
    return new Crm(session.access_token, session.user);
  }

  async query(soql: string): Promise<Row[]> {
    const answer = await this.call<{ records: Row[] }>("GET", `/query?q=${encodeURIComponent(soql)}`);
    return answer.records;
  }

  async search(sosl: string): Promise<(Row & { attributes: { type: string } })[]> {
    const answer = await this.call<{ searchRecords: (Row & { attributes: { type: string } })[] }>(
      "GET",
      `/search?q=${encodeURIComponent(sosl)}`,
    );
    return answer.searchRecords;
  }

  record(object: string, id: string): Promise<Row> {
    return this.call("GET", `/sobjects/${encodeURIComponent(object)}/${encodeURIComponent(id)}`);
  }

  async create(object: string, fields: Fields): Promise<string> {
    const answer = await this.call<{ id: string }>("POST", `/sobjects/${encodeURIComponent(object)}`, fields);
    return answer.id;
  }

  async update(object: string, id: string, fields: Fields): Promise<void> {
    await this.call("PATCH", `/sobjects/${encodeURIComponent(object)}/${encodeURIComponent(id)}`, fields);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(API + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new CrmError("UNREACHABLE", "the CRM does not answer");
    });
    const text = await response.text();
    if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
    throw readError(response.status, text);
  }
}

function readError(status: number, text: string): CrmError {
  try {
    const first = (JSON.parse(text) as { errorCode?: string; message?: string }[])[0];
    if (first?.message) return new CrmError(first.errorCode ?? String(status), first.message);
  } catch {
    // Not the CRM's shape: a proxy's page, or half an answer.
  }
  return new CrmError(String(status), `the CRM answered with status ${status}`);
}

/** Text inside a SOQL string literal. */
export const soqlText = (text: string) => `'${text.replace(/[\\']/g, (c) => `\\${c}`)}'`;

/** Text inside the braces of SOSL's FIND: its reserved characters escaped. */
export const soslText = (text: string) => text.replace(/[?&|!{}[\]()^~*:\\"'+-]/g, (c) => `\\${c}`);
