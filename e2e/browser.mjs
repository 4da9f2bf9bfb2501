// Debian's Chromium, a fresh profile for each, driven by playwright-core.

import { chromium } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Undoes playwright's own list, which switches storage in third-party frames off.
  "--disable-features=Translate",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
];

/** A browser as one person has it: pages share its profile. */
export async function openBrowser({ width = 1440, height = 900 } = {}) {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
  const context = await browser.newContext({ viewport: { width, height } });
  // Generous: a busy machine is slow, and a page that never gets there fails all the same.
  context.setDefaultTimeout(30_000);
  const problems = [];
  context.on("weberror", (error) => problems.push(String(error.error())));
  return {
    context,
    /** What pages threw and nobody caught. */
    problems,
    newPage: () => context.newPage(),
    close: () => browser.close(),
  };
}

/** The panel inside a page that frames it, however deep. */
export async function panelOf(page) {
  return frameAt(page, /\/panel\//);
}

/** The softphone inside the panel. */
export async function softphoneOf(page) {
  return frameAt(page, /\/ccp-v2\//);
}

export async function frameAt(page, address, within = 15_000) {
  const end = performance.now() + within;
  for (;;) {
    const frame = page.frames().find((each) => address.test(each.url()));
    if (frame) return frame;
    if (performance.now() > end)
      throw new Error(`no frame at ${address}; there are: ${page.frames().map((each) => each.url()).join(", ")}`);
    await page.waitForTimeout(50);
  }
}

/** Signs the agent in: one click in the panel, one in the provider's window. */
export async function signIn(page, user = "Nora Quist") {
  const panel = await panelOf(page);
  const popup = page.context().waitForEvent("page");
  await panel.getByRole("button", { name: "Sign in", exact: true }).click();
  const provider = await popup;
  await provider.getByRole("button", { name: new RegExp(user) }).click();
  await panel.getByText("Connected", { exact: true }).waitFor();
  return panel;
}
