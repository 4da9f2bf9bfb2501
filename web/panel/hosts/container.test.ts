import { expect, it } from "vitest";
import { crmOrigin, scriptAddress } from "./container";

const settings = {
  api_version: "62.0",
  host_suffixes: ["lightning.force.com", ".my.salesforce.com"],
  origins: ["http://crm.localhost:8431"],
};
const framedBy = (origin: string) => ({ framed: true, ancestorOrigins: [origin], referrer: "" });

it.each([
  "https://acme.lightning.force.com",
  "https://acme.my.salesforce.com",
  "https://acme--dev.sandbox.my.salesforce.com",
  "http://crm.localhost:8431",
])("takes %s for a CRM page", (origin) => {
  expect(crmOrigin(framedBy(origin), settings)).toBe(origin);
});

it.each([
  ["a suffix in the middle", "https://lightning.force.com.evil.example"],
  ["a suffix without its dot", "https://evillightning.force.com"],
  ["the suffix alone", "https://lightning.force.com"],
  ["plain http", "http://acme.lightning.force.com"],
  ["another port", "https://acme.lightning.force.com:8443"],
  ["an exact origin with another port", "http://crm.localhost:9999"],
  ["a user name in the address", "https://acme.lightning.force.com@evil.example"],
  ["no address at all", "null"],
])("does not take %s for one", (_what, origin) => {
  expect(crmOrigin(framedBy(origin), settings)).toBeNull();
});

it("looks at the nearest frame only", () => {
  const facts = {
    framed: true,
    ancestorOrigins: ["https://evil.example", "https://acme.lightning.force.com"],
    referrer: "",
  };
  expect(crmOrigin(facts, settings)).toBeNull();
});

it("falls back to the referrer where the browser has no ancestor origins", () => {
  const facts = {
    framed: true,
    ancestorOrigins: [],
    referrer: "https://acme.lightning.force.com/one/one.app",
  };
  expect(crmOrigin(facts, settings)).toBe("https://acme.lightning.force.com");
});

it("finds no CRM page when it is not framed", () => {
  const facts = { framed: false, ancestorOrigins: [], referrer: "https://acme.lightning.force.com/" };
  expect(crmOrigin(facts, settings)).toBeNull();
});

it("trusts nobody for a suffix of one label", () => {
  expect(crmOrigin(framedBy("https://acme.com"), { ...settings, host_suffixes: ["com"] })).toBeNull();
});

it("makes the script's address of origin and version, and of nothing else", () => {
  expect(scriptAddress("https://a.my.salesforce.com", "v62.0")).toBe(
    "https://a.my.salesforce.com/support/api/62.0/lightning/opencti_min.js",
  );
  expect(() => scriptAddress("https://a.my.salesforce.com", "62.0/../../evil")).toThrow(RangeError);
});
