// jsforce as it comes, with an access token and the instance's address, over TLS.
// Started by run.sh; every test leaves behind only what it made.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const { CLIENT_MODULES, SANDBOX_HTTP, SANDBOX_HTTPS, SANDBOX_TOKEN } = process.env;
const { Connection } = createRequire(`${CLIENT_MODULES}/`)("jsforce");

const connect = (accessToken = SANDBOX_TOKEN, instanceUrl = SANDBOX_HTTPS) =>
  new Connection({ instanceUrl, accessToken, version: "62.0" });

test("a record is created, read, changed and deleted", async () => {
  const conn = connect();
  const made = await conn.sobject("Contact").create({ LastName: "O'Neil", FirstName: "Zoë" });
  assert.equal(made.success, true);
  assert.equal((await conn.sobject("Contact").retrieve(made.id)).Name, "Zoë O'Neil");
  assert.equal((await conn.sobject("Contact").update({ Id: made.id, Title: "Buyer" })).success, true);
  assert.equal((await conn.sobject("Contact").retrieve(made.id)).Title, "Buyer");
  assert.equal((await conn.sobject("Contact").destroy(made.id)).success, true);
  await assert.rejects(conn.sobject("Contact").retrieve(made.id), { errorCode: "ENTITY_IS_DELETED" });
});

test("records are upserted by their external id, one and many", async () => {
  const conn = connect();
  const first = await conn.sobject("Interaction__c").upsert({ Key__c: "node:1", Talk_Seconds__c: 5 }, "Key__c");
  assert.equal(first.created, true);
  const second = await conn.sobject("Interaction__c").upsert({ Key__c: "node:1", Talk_Seconds__c: 6 }, "Key__c");
  assert.deepEqual([second.id, second.created], [first.id, false]);
  const rows = ["node:1", "node:2"].map((Key__c) => ({ Key__c, Talk_Seconds__c: 7 }));
  const many = await conn.sobject("Interaction__c").upsert(rows, "Key__c");
  assert.deepEqual(many.map((row) => row.created), [false, true]);
  await conn.sobject("Interaction__c").destroy(many.map((row) => row.id));
});

test("many records are created and deleted together", async () => {
  const conn = connect();
  const rows = [1, 2, 3].map((n) => ({ LastName: `Js${n}`, Company: "x" }));
  const made = await conn.sobject("Lead").create(rows);
  assert.ok(made.every((row) => row.success));
  const gone = await conn.sobject("Lead").destroy(made.map((row) => row.id));
  assert.ok(gone.every((row) => row.success));
  const mixed = await conn.sobject("Lead").create([{ LastName: "A", Company: "x" }, { LastName: "B" }]);
  assert.deepEqual(mixed.map((row) => row.success), [true, false]);
  assert.equal(mixed[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  await conn.sobject("Lead").destroy(mixed[0].id);
});

test("a query by conditions escapes its values", async () => {
  const found = await connect()
    .sobject("Contact")
    .find({ LastName: "O'Neil", FirstName: { $like: "Se%" } }, ["Id", "Name", "Account.Name"])
    .sort({ Name: 1 })
    .limit(5);
  assert.deepEqual(found.map((row) => row.Name), ["Sean O'Neil"]);
  assert.ok(found[0].Account.Name);
});

test("all pages are read", async () => {
  const conn = connect();
  // The test that starts us set pages of 15 rows.
  const first = await conn.query("SELECT Id FROM Contact WHERE CreatedDate < TODAY ORDER BY Id");
  assert.deepEqual([first.totalSize, first.records.length, first.done], [40, 15, false]);
  const second = await conn.queryMore(first.nextRecordsUrl);
  assert.equal(second.records.length, 15);
  const all = await conn.query("SELECT Id FROM Contact WHERE CreatedDate < TODAY", { autoFetch: true, maxFetch: 100 });
  assert.equal(new Set(all.records.map((row) => row.Id)).size, 40);
  assert.equal((await conn.query("SELECT COUNT() FROM Case")).totalSize, 25);
});

test("searches find people by name and number", async () => {
  const conn = connect();
  const byName = await conn.search("FIND {keller} IN NAME FIELDS RETURNING Contact(Id, Name)");
  assert.deepEqual(byName.searchRecords.map((row) => row.Name), ["Anna Keller"]);
  const byNumber = await conn.search("FIND {12025550147} IN PHONE FIELDS RETURNING Contact(Name), Lead(Name)");
  assert.deepEqual(byNumber.searchRecords.map((row) => row.Name), ["Sean O'Neil"]);
});

test("describes, limits and identity are read", async () => {
  const conn = connect();
  const task = await conn.sobject("Task").describe();
  assert.ok(task.fields.some((field) => field.name === "CallObject"));
  assert.ok((await conn.describeGlobal()).sobjects.some((object) => object.name === "Interaction__c"));
  assert.equal((await conn.limits()).DailyApiRequests.Max, 15000);
  assert.equal(conn.limitInfo.apiUsage.limit, 15000);
});

test("errors keep their code and fields", async () => {
  const conn = connect();
  await assert.rejects(conn.sobject("Contact").create({ FirstName: "Nobody" }), (error) => {
    assert.equal(error.errorCode, "REQUIRED_FIELD_MISSING");
    assert.deepEqual(error.data.fields, ["LastName"]);
    return true;
  });
  await assert.rejects(conn.query("SELECT Nope FROM Contact"), { errorCode: "INVALID_FIELD" });
  await assert.rejects(connect("nonsense").query("SELECT Id FROM Contact"), { errorCode: "INVALID_SESSION_ID" });
});

test("a user name, a password and a security token sign in by SOAP", async () => {
  const conn = new Connection({ loginUrl: SANDBOX_HTTPS, version: "62.0" });
  const user = await conn.login("nora.quist@example.com", "sandboxtoken");
  assert.equal(user.id, "005000000000001AAA");
  assert.equal(conn.instanceUrl, SANDBOX_HTTPS);
  assert.equal((await conn.query("SELECT COUNT() FROM Account")).totalSize, 12);
  const wrong = new Connection({ loginUrl: SANDBOX_HTTPS, version: "62.0" });
  await assert.rejects(wrong.login("nora.quist@example.com", "nonsense"), /INVALID_LOGIN/);
});

test("the same instance answers without TLS", async () => {
  const conn = connect(SANDBOX_TOKEN, SANDBOX_HTTP);
  assert.equal((await conn.query("SELECT COUNT() FROM Account")).totalSize, 12);
});
