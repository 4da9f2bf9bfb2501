/** What the page finds for a text: global search and the softphone's search share it. */

import type { Crm, Row } from "../shared/rest";
import { soslText } from "../shared/rest";

export interface Found {
  id: string;
  name: string;
  object: string;
  /** What helps to tell it from the others. */
  hint: string;
  modified: string;
}

/** The softphone layout's objects. */
export const SEARCHED = ["Account", "Contact", "Lead", "Case"];

const RETURNING = [
  "Account(Id, Name, Phone, LastModifiedDate)",
  "Contact(Id, Name, Phone, MobilePhone, Email, LastModifiedDate)",
  "Lead(Id, Name, Phone, Company, LastModifiedDate)",
  "Case(Id, CaseNumber, Subject, Status, LastModifiedDate)",
].join(", ");

/** A number however it is punctuated is looked for by its digits; anything else as it stands. */
export function searchTerm(text: string): string {
  const digits = text.replace(/\D/g, "");
  return digits.length >= 7 && /^[+\d\s().\-/]+$/.test(text) ? digits : text.trim();
}

export async function findRecords(crm: Crm, text: string, limit = 25): Promise<Found[]> {
  const term = searchTerm(text);
  if (term.length < 2) return [];
  const rows = await crm.search(
    `FIND {${soslText(term)}} IN ALL FIELDS RETURNING ${RETURNING} LIMIT ${limit}`,
  );
  return rows.map(found);
}

function found(row: Row & { attributes: { type: string } }): Found {
  const object = row.attributes.type;
  const text = (name: string) => (typeof row[name] === "string" ? (row[name] as string) : "");
  const hint = [text("Phone"), text("MobilePhone"), text("Company"), text("Email"), text("Status")];
  return {
    id: row.Id,
    object,
    name: object === "Case" ? `${text("CaseNumber")} ${text("Subject")}`.trim() : text("Name"),
    hint: hint.filter(Boolean).slice(0, 2).join(" · "),
    modified: text("LastModifiedDate"),
  };
}
