// From the contact center to the CRM, without a browser: what is logged when things break.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { explainFailure } from "./browser.mjs";
import { call, startDemo, until } from "./world.mjs";

let demo;

before(async () => {
  demo = await startDemo();
});

after(() => demo?.stop());

afterEach((context) => explainFailure(context, { processes: [demo?.process] }));

const count = async (soql) => (await demo.sandbox.query(soql)).length;
const writes = async () =>
  (await demo.sandbox.requests()).filter(
    (seen) => seen.method !== "GET" && /\/(composite\/)?sobjects/.test(seen.path) && seen.status < 300,
  );

/** A caller who gives up in the queue; the contact record follows. */
async function abandonedCall(from) {
  const { contactId } = await demo.sandbox.ring({ from, queue: "Billing" });
  await demo.sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {});
  return contactId;
}

test("Salesforce down for an hour with 200 calls: afterwards one write per record, nothing lost", async () => {
  const { sandbox } = demo;
  const up = await sandbox.fault("salesforce", { kind: "status", status: 503, match: { path: "/services/" }, times: 0 });
  const contacts = [];
  for (let n = 0; n < 200; n++) {
    contacts.push(await abandonedCall(`+1202555${String(n).padStart(4, "0")}`));
    if (n % 10 === 9) await sandbox.advance("PT3M");
  }
  await sandbox.advance("PT10S");
  await up();

  // The circuit probes on its own time; let that pass.
  await until(
    async () => {
      await sandbox.advance("PT30S");
      return (await count("SELECT Id FROM Interaction__c")) >= 200 && (await count("SELECT Id FROM Task")) >= 200;
    },
    "200 interactions and tasks",
    60_000,
  );
  await sandbox.advance("PT10M");
  assert.equal(await count("SELECT Id FROM Interaction__c"), 200);
  const tasks = await sandbox.query("SELECT Id, CallObject FROM Task WHERE CallObject != null");
  assert.deepEqual(new Set(tasks.map((task) => task.CallObject)), new Set(contacts));
  assert.equal(tasks.length, 200);

  const rows = new Map();
  for (const seen of await writes()) {
    const body = typeof seen.body === "string" ? JSON.parse(seen.body) : seen.body;
    for (const record of body?.records ?? [body]) {
      const key = record?.Key__c ?? record?.CallObject ?? record?.Id ?? record?.id;
      if (key) rows.set(key, (rows.get(key) ?? 0) + 1);
    }
  }
  const twice = [...rows].filter(([, times]) => times > 1);
  assert.deepEqual(twice, [], "every record was written once");
  assert.ok(rows.size >= 400, `200 tasks and 200 interactions were seen being written, not ${rows.size}`);
});

test("strange callers are logged like any other", async () => {
  const { sandbox } = demo;
  for (const from of ["anonymous", "sip:+12025550147@gw.example.com", "\"'; --", "<img onerror=alert(1)>"]) {
    const contact = await abandonedCall(from);
    await until(async () => {
      await sandbox.advance("PT10S");
      return (await count(`SELECT Id FROM Task WHERE CallObject = '${contact}'`)) === 1;
    }, `the call of ${from} to be logged`);
  }
});

test("another workspace's key gets nothing", async () => {
  const { sandbox, tieline } = demo;
  const contact = await abandonedCall("+12025550143");
  await sandbox.advance("PT10S");
  for (const [method, path, body] of [
    ["GET", "/v1/workspaces/demo/contacts"],
    ["GET", `/v1/workspaces/demo/contacts/${contact}`],
    ["POST", "/v1/workspaces/demo/dips", { Details: { Parameters: { operation: "lookup" } } }],
  ]) {
    await assert.rejects(
      call(method, tieline + path, body, { authorization: "Bearer other-dip-key" }),
      /: 40[134] /,
      `${method} ${path}`,
    );
  }
});
