// Tieline is away while agents work: two processes, so that one can be stopped, killed and started again.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { explainFailure, lastClick, openBrowser, signIn, softphoneOf, softphoneReady } from "./browser.mjs";
import { startApart, until } from "./world.mjs";

let apart;
let browser;
let page;
let panel;

before(async () => {
  apart = await startApart();
});

after(() => apart?.stop());

afterEach((context) => explainFailure(context, { browser, processes: [apart?.server, apart?.world] }));

beforeEach(async (context) => {
  apart.server.child.kill("SIGCONT");
  if (apart.server.child.exitCode !== null || apart.server.child.signalCode !== null) await apart.start();
  await apart.sandbox.control("connect", "POST", "/reset", {});
  browser = await openBrowser({ width: 1200, height: 800 });
  context.after(() => browser.close());
  page = await browser.newPage();
  await page.goto(apart.crm);
  panel = await signIn(page);
  // Nobody is signed in to the softphone either: its window, as in life.
  const popup = page.context().waitForEvent("page");
  await panel.getByRole("button", { name: "Sign in to the softphone" }).click();
  const window = await popup;
  await lastClick(window, "Nora Quist");
  // The library makes the frame anew until it finds somebody signed in.
  await panel.frameLocator(".ccp iframe").getByRole("heading", { name: "Nora Quist" }).waitFor();
  await softphoneReady(panel);
  await until(() => window.isClosed(), "the softphone's window to close by itself");
});

const pops = () =>
  page.evaluate(() =>
    window.__opencti_calls.filter((call) => ["searchAndScreenPop", "screenPop"].includes(call.method)),
  );
const agent = async () => (await apart.sandbox.control("connect", "GET", "/agents")).find((one) => one.username === "nora.quist");
const dialled = async () => (await agent()).contacts.length;
/** Told for eight seconds only, so it is looked out for before what it tells of. */
const lookOutFor = (text) => {
  const told = panel.getByText(text).waitFor();
  told.catch(() => undefined);
  return told;
};

async function openAnna() {
  await page.getByRole("button", { name: /^Contacts/ }).click();
  await page.locator("#work").getByRole("button", { name: "Anna Keller" }).click();
  await page.locator("button.phone").first().waitFor();
}

test("stopped while it rings: after two seconds the caller is opened by number, once, also after Tieline is back", async () => {
  apart.server.child.kill("SIGSTOP");
  const told = lookOutFor("the caller was opened by number");
  const began = performance.now();
  await apart.sandbox.ring({ from: "+12025550143" });
  await until(async () => (await pops()).length === 1, "the pop by number");
  const waited = performance.now() - began;
  assert.ok(waited > 2_000, `it took ${waited} ms`);
  assert.match(JSON.stringify(await pops()), /12025550143/);
  await page.getByRole("heading", { name: "Anna Keller" }).waitFor();
  await told;
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).click();
  await softphone.getByRole("button", { name: "Hang up" }).waitFor();

  apart.server.child.kill("SIGCONT");
  await panel.getByText("Connected", { exact: true }).waitFor();
  await page.waitForTimeout(2_000);
  assert.equal((await pops()).length, 1, "nothing is popped again");
});

test("killed while it rings: the same, and another server on its data repeats nothing", async () => {
  await apart.server.kill();
  await apart.sandbox.ring({ from: "+12025550143" });
  await until(async () => (await pops()).length === 1, "the pop by number");
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).click();
  await softphone.getByRole("button", { name: "Hang up" }).waitFor();
  await panel.getByText("Calls work as usual").waitFor();
  await apart.start();
  await panel.getByText("Connected", { exact: true }).waitFor();
  await page.waitForTimeout(2_000);
  assert.equal((await pops()).length, 1, "nothing is popped again");
  await softphone.getByRole("button", { name: "Hang up" }).click();
});

test("killed: a clicked number is dialled once by the page alone, and not again by the server that comes back", async () => {
  await openAnna();
  await apart.server.kill();
  await panel.getByText("Tieline unreachable").first().waitFor();
  const told = lookOutFor("dialling the number directly");
  await page.locator("button.phone").first().dblclick();
  await until(async () => (await dialled()) === 1, "the dial");
  await told;
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Hang up" }).waitFor();
  await softphone.getByRole("button", { name: "Hang up" }).click();
  await softphone.getByRole("button", { name: /Clear|Close contact/ }).click();
  await until(async () => (await dialled()) === 0, "the call to be closed");
  await apart.start();
  await panel.getByText("Connected", { exact: true }).waitFor();
  await page.waitForTimeout(3_000);
  assert.equal(await dialled(), 0, "the server dials nothing again");
});

test("stopped: a number clicked when Tieline is known to be away is dialled alone, once", async () => {
  await openAnna();
  apart.server.child.kill("SIGSTOP");
  // Something unanswered is how a page learns that a socket which looks open leads nowhere.
  const { contactId } = await apart.sandbox.ring({ from: "+12025550147" });
  await panel.getByText("Tieline unreachable").first().waitFor();
  const softphone = await softphoneOf(page);
  await apart.sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {});
  await until(async () => (await dialled()) === 0, "the caller to have hung up");
  await page.locator("button.phone").first().click();
  await until(async () => (await dialled()) === 1, "the dial");
  await softphone.getByRole("button", { name: "Hang up" }).waitFor();
  await softphone.getByRole("button", { name: "Hang up" }).click();
  await softphone.getByRole("button", { name: /Clear|Close contact/ }).click();
  await until(async () => (await dialled()) === 0, "the call to be closed");
  apart.server.child.kill("SIGCONT");
  await panel.getByText("Connected", { exact: true }).waitFor();
  await page.waitForTimeout(3_000);
  assert.equal(await dialled(), 0, "the server dials nothing again");
});

test("a call taken while Tieline is stopped needs nothing of it, and the panel comes back by itself", async () => {
  apart.server.child.kill("SIGSTOP");
  await page.waitForTimeout(2_500);
  const softphone = await softphoneOf(page);
  await apart.sandbox.ring({ from: "+12025550143" });
  await softphone.getByRole("button", { name: "Accept" }).click();
  await softphone.getByRole("button", { name: "Hang up" }).click();
  apart.server.child.kill("SIGCONT");
  await panel.getByText("Connected", { exact: true }).waitFor();
});
