// What a newcomer does with `make demo`, and the screenshots of the README.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { explainFailure, frameAt, openBrowser, panelOf, signIn, softphoneOf, softphoneReady } from "./browser.mjs";
import { startDemo, until } from "./world.mjs";

const IMAGES = process.env.TIELINE_IMAGES ?? resolve(import.meta.dirname, "../.cache/images");

let demo;
let browser;
let page;

before(async () => {
  await mkdir(IMAGES, { recursive: true });
  demo = await startDemo();
  browser = await openBrowser();
  page = await browser.newPage();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

afterEach((context) => explainFailure(context, { browser, processes: [demo?.process] }));

const shot = (name) => page.screenshot({ path: resolve(IMAGES, `${name}.png`) });

test("a customer calls, the record is open before the agent answers, and the call is logged", async () => {
  await page.goto(demo.stage);
  const panel = await signIn(page);
  const softphone = await softphoneOf(page);
  await softphoneReady(panel);

  await page.getByRole("radio", { name: /Anna Keller/ }).check();
  await page.getByRole("button", { name: "Call", exact: true }).click();
  const began = performance.now();
  const crm = await frameAt(page, /\/lightning\//);
  await crm.getByRole("heading", { name: "Anna Keller" }).waitFor();
  const popped = performance.now() - began;
  await softphone.getByRole("button", { name: "Accept" }).waitFor();
  await shot("ringing");
  console.log(`  the record was open ${Math.round(popped)} ms after the click on Call`);

  await softphone.getByRole("button", { name: "Accept" }).click();
  await page.getByTestId("call-state").and(page.locator("[data-state=talking]")).waitFor();
  await page.getByRole("button", { name: "Hang up" }).first().click();
  await softphone.getByRole("button", { name: /Clear|Close contact/ }).click();

  await demo.sandbox.advance("PT10S");
  const activity = crm.getByTestId("activity");
  await activity.locator("[data-task]").waitFor();
  await activity.locator("[data-interaction]").waitFor();
  assert.equal(await activity.locator("[data-task]").count(), 1);
  await shot("logged");

  await panel.getByRole("button", { name: "Details" }).click();
  await panel.getByRole("tab", { name: "Last flow" }).click();
  await shot("drawer");
});

test("a click on a number in the CRM page dials it", async () => {
  const crm = await frameAt(page, /\/lightning\//);
  await crm.getByRole("button", { name: "Call (202) 555-0143" }).or(crm.locator("button.phone")).first().click();
  await until(async () => {
    const agents = await demo.sandbox.control("connect", "GET", "/agents");
    return agents.some((agent) => agent.username === "nora.quist" && agent.contacts.length === 1);
  }, "the softphone to dial");
});

test("nothing on the pages threw", () => {
  assert.deepEqual(browser.problems, []);
});
