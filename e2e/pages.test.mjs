// What must hold whatever the agent does with the pages.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { explainFailure, openBrowser, panelOf, signIn, softphoneOf, softphoneReady } from "./browser.mjs";
import { startDemo, until } from "./world.mjs";

let demo;
let browser;

before(async () => {
  demo = await startDemo();
});

after(() => demo?.stop());

afterEach((context) => explainFailure(context, { browser, processes: [demo?.process] }));

beforeEach(async (context) => {
  await demo.sandbox.control("connect", "POST", "/reset", {});
  browser = await openBrowser({ width: 1200, height: 800 });
  context.after(() => browser.close());
});

const calls = (page) => page.evaluate(() => window.__opencti_calls ?? []);
const pops = async (page) =>
  (await calls(page)).filter((call) => ["searchAndScreenPop", "screenPop"].includes(call.method));

async function openCrm() {
  const page = await browser.newPage();
  await page.goto(demo.crm);
  return page;
}

/** Ends every call of the agent and lets the records be written. */
async function finish(contact) {
  await demo.sandbox.control("connect", "POST", `/calls/${contact}/hangup`, {}).catch(() => undefined);
  await demo.sandbox.advance("PT2M");
}

const tasksOf = (contact) => demo.sandbox.query(`SELECT Id, Subject, Status FROM Task WHERE CallObject = '${contact}'`);
const interactionsOf = (contact) =>
  demo.sandbox.query(`SELECT Id, Key__c FROM Interaction__c WHERE Contact_Id__c = '${contact}'`);

async function loggedOnce(contact) {
  await until(async () => {
    await demo.sandbox.advance("PT5S");
    return (await tasksOf(contact)).length > 0 && (await interactionsOf(contact)).length > 0;
  }, "the call to be logged");
  await demo.sandbox.advance("PT2M");
  assert.equal((await tasksOf(contact)).length, 1, "one Task");
  assert.equal((await interactionsOf(contact)).length, 1, "one Interaction");
}

test("a page reloaded while it rings pops once and logs once", async () => {
  const page = await openCrm();
  let panel = await signIn(page);
  const { contactId } = await demo.sandbox.ring({ from: "+12025550143" });
  // Called is not yet opened, and opened not yet answered: a reload in between rightly opens the record after all.
  await panel.getByRole("button", { name: "Details" }).click();
  await panel.getByRole("tab", { name: "Last flow" }).click();
  await panel.locator(".trace .ended.completed").waitFor();
  assert.equal((await pops(page)).length, 1, "the first pop");

  await page.reload();
  panel = await panelOf(page);
  await panel.getByText("Connected", { exact: true }).waitFor();
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).click();
  await page.waitForTimeout(1_500);
  assert.deepEqual(await pops(page), [], "nothing is popped again after the reload");

  await finish(contactId);
  await loggedOnce(contactId);
});

test("two tabs of one agent make one run, and the pop is in the focused one", async () => {
  const first = await openCrm();
  await signIn(first);
  const second = await openCrm();
  const panel = await panelOf(second);
  await panel.getByText("Connected", { exact: true }).waitFor();
  await second.bringToFront();
  await second.mouse.click(600, 300);

  const { contactId } = await demo.sandbox.ring({ from: "+12025550143" });
  await until(async () => (await pops(second)).length === 1, "the pop in the focused tab");
  await second.waitForTimeout(1_000);
  assert.equal((await pops(first)).length, 0, "the other tab pops nothing");
  assert.equal((await pops(second)).length, 1);

  await finish(contactId);
  await loggedOnce(contactId);
});

test("a message from a foreign origin dials nothing", async () => {
  const page = await openCrm();
  await signIn(page);
  const panel = await panelOf(page);
  const before = (await demo.sandbox.control("connect", "GET", "/agents")).flatMap((agent) => agent.contacts);
  assert.deepEqual(before, []);

  // A page of somebody else's, holding a handle on the CRM's window, and a stranger inside the CRM page itself.
  const stranger = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>elsewhere</title>");
  });
  await new Promise((ready) => stranger.listen(0, "127.0.0.1", ready));
  const elsewhere = `http://127.0.0.1:${stranger.address().port}/`;
  await page.evaluate((address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    frame.name = "elsewhere";
    document.body.append(frame);
  }, elsewhere);
  const frame = await until(() => page.frame({ name: "elsewhere" }), "the stranger's frame");
  await frame.waitForLoadState();
  await frame.evaluate(() => {
    const messages = [
      { tieline_opencti: 1, event: "clickToDial", payload: { number: "+12025550199" } },
      { event: "clickToDial", data: { number: "+12025550199" } },
      { type: "tieline.sign-in", attempt: "x" },
      { event: "agent::update", data: null },
      { event: "acknowledge", data: { id: "evil" } },
      { t: "command", op: "dial", args: { number: "+12025550199" } },
      null,
      "dial +12025550199",
    ];
    const windows = [window.parent];
    for (let i = 0; i < window.parent.frames.length; i++) windows.push(window.parent.frames[i]);
    for (const target of windows) for (const message of messages) target.postMessage(message, "*");
  });
  // The page itself, which is no softphone and no CRM script, gets no further either.
  await page.evaluate(() => {
    window.postMessage({ tieline_opencti: 1, id: 1, method: "screenPop", args: {} }, "*");
  });
  await page.waitForTimeout(2_000);
  const after = (await demo.sandbox.control("connect", "GET", "/agents")).flatMap((agent) => agent.contacts);
  assert.deepEqual(after, []);
  await panel.getByText("Connected", { exact: true }).waitFor();
  stranger.close();

  // The same click by the agent does dial: the messages above were refused, not lost.
  await softphoneReady(panel);
  await page.getByRole("button", { name: /^Contacts/ }).click();
  await page.locator("#work").getByRole("button", { name: "Anna Keller" }).click();
  await page.locator("button.phone").first().click();
  await until(
    async () => (await demo.sandbox.control("connect", "GET", "/agents")).some((agent) => agent.contacts.length > 0),
    "the agent's own click to dial",
  );
});

test("what a caller controls is shown as text and nothing else", async () => {
  const page = await openCrm();
  const panel = await signIn(page);
  const hostile = { note: "<img src=x onerror=\"document.title='owned'\">", sql: "\"'; --" };
  const { contactId } = await demo.sandbox.ring({ from: "+12025550147", attributes: hostile });
  await page.getByRole("heading", { name: "Sean O'Neil" }).waitFor();
  await panel.getByRole("button", { name: "Details" }).click();
  await panel.getByText(hostile.note).waitFor();
  await panel.getByText(hostile.sql).waitFor();
  assert.equal(await panel.locator("img").count(), 0);
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).click();
  await finish(contactId);
  await loggedOnce(contactId);
  for (const frame of page.frames()) assert.notEqual(await frame.title(), "owned");
});
