// Signing in, when it does not go as it should: there is always a way on.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { explainFailure, lastClick, openBrowser, panelOf, signIn } from "./browser.mjs";
import { startDemo, until } from "./world.mjs";

let demo;
let browser;
let page;
let panel;

before(async () => {
  demo = await startDemo();
});

after(() => demo?.stop());

afterEach((context) => explainFailure(context, { browser, processes: [demo?.process] }));

beforeEach(async (context) => {
  browser = await openBrowser({ width: 1200, height: 800 });
  context.after(() => browser.close());
  page = await browser.newPage();
  await page.goto(demo.crm);
  panel = await panelOf(page);
  await panel.getByRole("button", { name: "Sign in", exact: true }).waitFor();
});

const provider = async (name = "Sign in") => {
  const popup = page.context().waitForEvent("page");
  await panel.getByRole("button", { name, exact: true }).click();
  return popup;
};

test("a blocked window is told with what to do, and the next click works", async () => {
  await panel.evaluate(() => {
    const { open } = window;
    window.open = () => {
      window.open = open;
      return null;
    };
  });
  await panel.getByRole("button", { name: "Sign in", exact: true }).click();
  await panel.getByText("Allow pop-ups for this page").waitFor();
  const window = await provider("Try again");
  await lastClick(window, "Nora Quist");
  await panel.getByText("Connected", { exact: true }).waitFor();
});

test("a window closed too early is noticed and opened again", async () => {
  const first = await provider();
  await first.getByRole("button", { name: /Nora Quist/ }).waitFor();
  await first.close();
  await panel.getByText("looks closed").waitFor();
  const window = await provider("Open it again");
  await lastClick(window, "Nora Quist");
  await panel.getByText("Connected", { exact: true }).waitFor();
});

test("a provider that refuses is told, and the next attempt works", async () => {
  const window = await provider();
  const choice = window.getByRole("button", { name: /Nora Quist/ });
  await choice.evaluate((button) => {
    button.value = "nobody";
  });
  await choice.click();
  await panel.getByText("Signing in did not work").waitFor();
  const again = await provider("Try again");
  await lastClick(again, "Nora Quist");
  await panel.getByText("Connected", { exact: true }).waitFor();
});

test("signing out leaves nothing behind, also after a reload", async () => {
  const window = await provider();
  await lastClick(window, "Nora Quist");
  await panel.getByText("Connected", { exact: true }).waitFor();
  await panel.getByRole("button", { name: "Sign out" }).click();
  await panel.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await page.reload();
  panel = await panelOf(page);
  await panel.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.equal(await panel.getByText("Nora Quist", { exact: true }).count(), 0);
  await signIn(page);
});

test("a session that has run out asks to sign in again and calls go on", async () => {
  await signIn(page);
  await demo.sandbox.advance("PT13H");
  await panel.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  // The CRM page's own session is as old; its user comes back to it too.
  await page.reload();
  await signIn(page);
  const { contactId } = await demo.sandbox.ring({ from: "+12025550143" });
  await page.getByRole("heading", { name: "Anna Keller" }).waitFor();
  await demo.sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {});
});

test("a server that refuses sign-in is told with its code", async () => {
  await page.route(/\/agent\/attempts$/, (route) =>
    route.fulfill({
      status: 429,
      contentType: "application/problem+json",
      body: JSON.stringify({ code: "too_many_requests", title: "Too many requests", detail: "wait a minute" }),
    }),
  );
  await panel.getByRole("button", { name: "Sign in", exact: true }).click();
  await panel.getByText("too_many_requests: wait a minute").waitFor();
  await until(async () => page.context().pages().length === 1, "the window to close");
});
