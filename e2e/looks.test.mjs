// What the pages look like when they are small, and whether everybody can use them.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { explainFailure, lastClick, openBrowser, panelOf, signIn, softphoneFrame, softphoneOf, softphoneReady } from "./browser.mjs";
import { startDemo } from "./world.mjs";

const IMAGES = process.env.TIELINE_IMAGES ?? resolve(import.meta.dirname, "../.cache/images");
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let demo;
let browser;
let page;

before(async () => {
  await mkdir(IMAGES, { recursive: true });
  demo = await startDemo();
});

after(() => demo?.stop());

afterEach((context) => explainFailure(context, { browser, processes: [demo?.process] }));

beforeEach(async (context) => {
  await demo.sandbox.control("connect", "POST", "/reset", {});
  await demo.sandbox.control("connect", "DELETE", "/faults");
  browser = await openBrowser({ width: 1200, height: 800 });
  context.after(() => browser.close());
  page = await browser.newPage();
});

/** No violation of WCAG 2.2 A and AA in this frame that axe finds. */
async function accessible(frame, what) {
  await frame.evaluate(AXE);
  const found = await frame.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const result = await window.axe.run(document, { iframes: false, runOnly: { type: "tag", values: tags } });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" / ")}`);
  });
  assert.deepEqual(found, [], what);
}

/** Nothing is cut off sideways. */
async function fits(frame, what) {
  const over = await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${what} is ${over} pixels too wide`);
}

for (const [width, height] of [
  [320, 480],
  [330, 570],
]) {
  test(`the panel at ${width} × ${height}`, async () => {
    await page.setViewportSize({ width, height });
    await page.goto(demo.panel);
    const panel = await panelOf(page);
    const look = async (name) => {
      await page.waitForTimeout(300);
      await page.screenshot({ path: resolve(IMAGES, `panel-${width}-${name}.png`) });
      await fits(panel, name);
      await accessible(panel, name);
    };
    await panel.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await look("signed-out");
    await signIn(page);
    const softphone = await softphoneOf(page);
    await softphone.getByRole("heading", { name: "Nora Quist" }).waitFor();
    await look("idle");
    await demo.sandbox.ring({ from: "+12025550143", attributes: { accountTier: "gold", reason: "A question about an invoice that is rather long to read" } });
    const accept = softphone.getByRole("button", { name: "Accept" });
    await accept.waitFor();
    await look("ringing");
    await accept.click();
    await softphone.getByRole("button", { name: "Hang up" }).waitFor();
    await look("talking");
    await panel.getByRole("button", { name: "Details" }).click();
    await look("drawer");
    await panel.getByRole("tab", { name: "Last flow" }).click();
    await look("trace");
    await panel.getByRole("button", { name: "Close details" }).click();
    await demo.sandbox.fault("connect", { kind: "terminated" });
    await panel.getByText("You were signed out of the softphone").waitFor();
    await look("softphone-signed-out");
    await demo.sandbox.fault("connect", { kind: "access_denied" });
    await page.reload();
    await panel.getByText("The softphone refuses this page").waitFor();
    await look("softphone-refuses");
  });
}

test("the CRM page, its records, the softphone, the stage and the sign-in page can be used by everybody", async () => {
  await page.goto(demo.stage);
  await page.getByRole("button", { name: "Call", exact: true }).waitFor();
  const panel = await panelOf(page);
  const popup = page.context().waitForEvent("page");
  await panel.getByRole("button", { name: "Sign in", exact: true }).click();
  const provider = await popup;
  await provider.getByRole("button", { name: /Nora Quist/ }).waitFor();
  await accessible(provider, "sign-in page");
  await lastClick(provider, "Nora Quist");
  await panel.getByText("Connected", { exact: true }).waitFor();
  await accessible(page, "stage");
  await softphoneReady(panel);
  await accessible(await softphoneFrame(page), "softphone");
  await page.goto(demo.crm);
  await page.getByRole("button", { name: /^Contacts/ }).waitFor();
  await accessible(page, "CRM home");
  await page.getByRole("button", { name: /^Contacts/ }).click();
  await accessible(page, "CRM list");
  await page.locator("#work").getByRole("button", { name: "Anna Keller" }).click();
  await page.locator("button.phone").first().waitFor();
  await accessible(page, "CRM record");
});

test("the keyboard alone reaches every control of the panel; arrows change tabs, Escape closes the drawer", async () => {
  await page.goto(demo.panel);
  const panel = await signIn(page);
  await demo.sandbox.ring({ from: "+12025550143", attributes: { tier: "gold" } });
  const softphone = await softphoneOf(page);
  await softphone.getByRole("button", { name: "Accept" }).waitFor();
  await page.bringToFront();
  const focused = () => panel.evaluate(() => document.activeElement?.ariaLabel || document.activeElement?.textContent || "");
  const walk = async () => {
    const seen = [];
    await panel.evaluate(() => document.activeElement?.blur());
    for (let n = 0; n < 25; n++) {
      await page.keyboard.press("Tab");
      seen.push(await focused());
    }
    return seen.join("\n");
  };
  const reach = async (name) => {
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press("Tab");
      if ((await focused()).startsWith(name)) return;
    }
    throw new Error(`Tab never reaches ${name}; it goes over ${await walk()}`);
  };
  await reach("Sign out");
  await reach("Details");
  await page.keyboard.press("Enter");
  await reach("Attributes");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "Last flow");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await focused(), "Attributes");
  await reach("Copy tier");
  await page.keyboard.press("Escape");
  assert.match(await focused(), /^Details/);
});
