// The panel on an agent's bad days: what breaks, what is said about it, and that calls go on.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import { explainFailure, lastClick, openBrowser, signIn, softphoneFrame, softphoneOf, softphoneReady } from "./browser.mjs";
import { startDemo, until } from "./world.mjs";

const IMAGES = process.env.TIELINE_IMAGES ?? resolve(import.meta.dirname, "../.cache/images");

let demo;
let browser;
let page;
let sandbox;

before(() => mkdir(IMAGES, { recursive: true }));

afterEach((context) => explainFailure(context, { browser, processes: [demo?.process] }));

// A world for each: what one test leaves unanswered would be handed to the agent's page of the next.
beforeEach(async (context) => {
  demo = await startDemo();
  context.after(() => demo.stop());
  sandbox = demo.sandbox;
  browser = await openBrowser({ width: 1200, height: 800 });
  context.after(() => browser.close());
  page = await browser.newPage();
});

const nora = async () => (await sandbox.control("connect", "GET", "/agents")).find((one) => one.username === "nora.quist");
const calls = async () => (await nora()).contacts.length;
const pops = () =>
  page.evaluate(() =>
    window.__opencti_calls.filter((call) => ["searchAndScreenPop", "screenPop"].includes(call.method)),
  );

async function openCrm() {
  await page.goto(demo.crm);
  return signIn(page);
}

async function openAnna() {
  await page.getByRole("button", { name: /^Contacts/ }).click();
  await page.locator("#work").getByRole("button", { name: "Anna Keller" }).click();
  await page.locator("button.phone").first().waitFor();
}

const clickNumber = () => page.locator("button.phone").first().click();

/** As the library does by itself every five seconds, of which a dial that waits has four. */
async function reloadSoftphone() {
  await until(async () => {
    const softphone = await softphoneFrame(page);
    // The library may put another frame in its place this moment, and a reload ends what asked for it.
    return softphone.evaluate(() => setTimeout(() => location.reload())).catch(() => false);
  }, "the softphone to be loaded again");
}

/** The softphone rings, is answered and hangs up, whatever else is broken. */
async function callControlWorks() {
  const { contactId } = await sandbox.ring({ from: "+12025550143" });
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).click();
  await softphone.getByRole("button", { name: "Hang up" }).click();
  await softphone.getByRole("button", { name: "Close contact" }).click();
  await until(async () => (await calls()) === 0, "the call to be closed");
  return contactId;
}

const loggedOnce = async (contact) => {
  const interactions = () => sandbox.query(`SELECT Id FROM Interaction__c WHERE Contact_Id__c = '${contact}'`);
  await sandbox.advance("PT2M");
  await until(async () => {
    await sandbox.advance("PT5S");
    return (await interactions()).length > 0;
  }, "the call to be logged");
  assert.equal((await interactions()).length, 1);
};

test("a caller who is missed, rejected or hangs up while ringing leaves nothing in the panel and one record", async () => {
  const panel = await openCrm();
  const softphone = await softphoneOf(page);
  const ends = {
    missed: () => sandbox.advance("PT21S"),
    rejected: () => softphone.getByRole("button", { name: "Reject" }).click(),
    gone: (contact) => sandbox.control("connect", "POST", `/calls/${contact}/hangup`, {}),
  };
  await panel.getByRole("button", { name: "Details" }).click();
  for (const [how, end] of Object.entries(ends)) {
    const { contactId } = await sandbox.ring({ from: "+12025550143", attributes: { tier: how } });
    await softphone.getByRole("button", { name: "Accept" }).waitFor();
    await panel.getByRole("definition").filter({ hasText: how }).waitFor();
    await end(contactId);
    const close = softphone.getByRole("button", { name: "Close contact" });
    await softphone.getByRole("button", { name: "Accept" }).waitFor({ state: "hidden" });
    await sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {}).catch(() => undefined);
    if (await close.isVisible()) await close.click();
    await panel.getByText("No contact", { exact: true }).waitFor();
    await softphone.getByRole("combobox").selectOption("Available");
    await loggedOnce(contactId);
  }
  assert.deepEqual(browser.problems, []);
});

test("a number clicked before the softphone is ready waits, is dialled once when it is ready, however often it is clicked", async () => {
  const up = await sandbox.fault("connect", { kind: "no_ack", times: 0 });
  const panel = await openCrm();
  await openAnna();
  await clickNumber();
  await clickNumber();
  await clickNumber();
  await panel.getByText("Dialling when the softphone is ready").waitFor();
  assert.equal(await calls(), 0);
  await up();
  await reloadSoftphone();
  await until(async () => (await calls()) === 1, "the dial");
  await page.waitForTimeout(1_500);
  assert.equal(await calls(), 1, "once");
  await panel.getByText("Dialling when the softphone is ready").waitFor({ state: "hidden" });
});

test("a number clicked before the softphone is ready is dropped after 20 seconds, and the agent is told", async () => {
  const up = await sandbox.fault("connect", { kind: "no_ack", times: 0 });
  const panel = await openCrm();
  await openAnna();
  await clickNumber();
  await panel.getByText("Dialling when the softphone is ready").waitFor();
  await sandbox.advance("PT21S");
  await panel.getByText("was not dialled").waitFor();
  await up();
  await reloadSoftphone();
  await softphoneReady(panel);
  await page.waitForTimeout(1_500);
  assert.equal(await calls(), 0, "it is not dialled when the softphone comes after all");
});

test("a dial the softphone refuses is told, and calls go on", async () => {
  const panel = await openCrm();
  await softphoneReady(panel);
  await openAnna();
  await sandbox.fault("connect", { kind: "api_error", method: "createOutboundContact", code: "BadEndpointException" });
  await clickNumber();
  await panel.getByText("The number could not be dialled").waitFor();
  await callControlWorks();
});

test("a dial the softphone never answers is told as unknown, and is not repeated", async () => {
  const panel = await openCrm();
  await softphoneReady(panel);
  await openAnna();
  await sandbox.fault("connect", { kind: "api_silent", method: "createOutboundContact" });
  await clickNumber();
  await panel.getByText("look before you dial again").waitFor();
  assert.equal(await calls(), 0);
  await callControlWorks();
});

test("a softphone that refuses this page says which addresses must be approved", async () => {
  // Every time: the library loads the softphone anew, and a contact center does not change its mind.
  await sandbox.fault("connect", { kind: "access_denied", times: 0 });
  const panel = await openCrm();
  await panel.getByText("The softphone refuses this page").waitFor();
  await panel.getByText(`http://panel.localhost:${demo.base}`).waitFor();
  await panel.getByText(`http://crm.localhost:${demo.base + 1}`, { exact: true }).waitFor();
});

test("signed out of the softphone: one click and the softphone is back", async () => {
  const panel = await openCrm();
  await (await softphoneOf(page)).getByRole("heading", { name: "Nora Quist" }).waitFor();
  await sandbox.fault("connect", { kind: "terminated" });
  await panel.getByText("You were signed out of the softphone").waitFor();
  const popup = page.context().waitForEvent("page");
  await panel.getByRole("button", { name: "Sign in to the softphone" }).click();
  const window = await popup;
  await panel.frameLocator(".ccp iframe").getByRole("heading", { name: "Nora Quist" }).waitFor();
  await panel.getByText("You were signed out of the softphone").waitFor({ state: "hidden" });
  await until(() => window.isClosed(), "the softphone's window to close by itself");
  await callControlWorks();
});

for (const code of ["GENERIC_ERROR", "INVALID_PARAM", "SERVER_ERROR", "SOFTPHONE_CONTAINER_ERROR", null]) {
  test(`the CRM page answers a search with ${code ?? "nothing"}: the step fails, the panel works`, async () => {
    const panel = await openCrm();
    await sandbox.fault("salesforce", {
      kind: code ? "opencti_error" : "opencti_silent",
      method: "searchAndScreenPop",
      ...(code ? { code } : {}),
      times: 0,
    });
    const { contactId } = await sandbox.ring({ from: "+12025550143" });
    await panel.getByRole("button", { name: "Details" }).click();
    await panel.getByRole("tab", { name: "Last flow" }).click();
    await panel.locator(".trace li.bad").first().waitFor();
    await panel.getByRole("button", { name: "Close details" }).click();
    const softphone = await softphoneOf(page);
    if (code === null) await sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {}).catch(() => undefined);
    else await softphone.getByRole("button", { name: "Accept" }).click();
    await panel.getByText("Connected", { exact: true }).waitFor();
  });
}

test("a CRM page that is still building is asked again until clicks are enabled", async () => {
  await sandbox.fault("salesforce", {
    kind: "opencti_error",
    method: "enableClickToDial",
    code: "SOFTPHONE_CONTAINER_ERROR",
    times: 3,
  });
  await softphoneReady(await openCrm());
  await openAnna();
  await clickNumber();
  await until(async () => (await calls()) === 1, "the dial");
  const tries = await page.evaluate(() => window.__opencti_calls.filter(({ method }) => method === "enableClickToDial"));
  assert.equal(tries.length, 4);
});

test("another agent's softphone under this agent's name is refused with words that say what to do", async () => {
  const panel = await openCrm();
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Change agent" }).click();
  await softphone.getByRole("button", { name: "Otto Lund" }).click();
  const refused = panel.getByRole("alert");
  await refused.waitFor();
  console.log("  ", (await refused.innerText()).replaceAll("\n", " | "));
  await page.screenshot({ path: resolve(IMAGES, "other-agent.png") });
  await softphone.getByRole("button", { name: "Change agent" }).click();
  await softphone.getByRole("button", { name: "Nora Quist" }).click();
  await panel.getByRole("button", { name: "Reload the panel" }).click();
  await panel.getByText("Connected", { exact: true }).waitFor();
});

test("standing alone in a tab the panel signs in, rings and dials", async () => {
  await page.goto(demo.panel);
  const panel = await signIn(page);
  await softphoneReady(panel);
  await callControlWorks();
  const softphone = await softphoneOf(page);
  await softphone.getByLabel("Number", { exact: true }).fill("+12025550147");
  await softphone.getByRole("button", { name: "Call", exact: true }).click();
  await softphone.getByRole("button", { name: "Hang up" }).waitFor();
  await panel.getByText("Connected", { exact: true }).waitFor();
  assert.deepEqual(browser.problems, []);
});

test("a browser that refuses storage does not stop the panel", async () => {
  await page.addInitScript(() => {
    for (const name of ["sessionStorage", "localStorage"]) {
      Object.defineProperty(window, name, {
        configurable: true,
        get() {
          throw new DOMException("denied", "SecurityError");
        },
      });
    }
  });
  await page.goto(demo.panel);
  await signIn(page);
  await callControlWorks();
});
