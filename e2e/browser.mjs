// Debian's Chromium, a fresh profile for each, driven by playwright-core.

import { chromium } from "playwright-core";
import { PATIENCE } from "./world.mjs";

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

/**
 * A browser as one person has it: pages share its profile.
 *
 * What its pages say and send is kept, and `describe` tells the last of it: see `explainFailure`.
 */
export async function openBrowser({ width = 1440, height = 900 } = {}) {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
  const context = await browser.newContext({ viewport: { width, height } });
  context.setDefaultTimeout(PATIENCE);
  const problems = [];
  const diary = new Diary();
  context.on("weberror", (error) => {
    problems.push(String(error.error()));
    diary.note(`threw: ${error.error()}`);
  });
  context.on("page", (page) => listen(page, diary));
  return {
    context,
    /** What pages threw and nobody caught. */
    problems,
    newPage: () => context.newPage(),
    close: () => browser.close(),
    async describe() {
      const pages = await Promise.all(context.pages().map(looks));
      return `-- what the pages said and sent --\n${diary.text()}\n-- what they show --\n${pages.join("\n")}`;
    },
  };
}

/** The last things that happened, each with its second. */
class Diary {
  #began = performance.now();
  #entries = [];

  note(text) {
    const second = ((performance.now() - this.#began) / 1000).toFixed(3).padStart(8);
    this.#entries = [...this.#entries.slice(-149), `${second} ${text.slice(0, 400)}`];
  }

  text() {
    return this.#entries.join("\n");
  }
}

function listen(page, diary) {
  diary.note(`page opened`);
  page.on("close", () => diary.note(`page closed: ${page.url()}`));
  page.on("framenavigated", (frame) => diary.note(`navigated: ${frame.url()}`));
  page.on("console", (message) => diary.note(`console ${message.type()}: ${message.text()}`));
  page.on("requestfailed", (request) =>
    diary.note(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`),
  );
  page.on("response", (response) => {
    if (response.status() >= 400 || response.url().includes("/agent/"))
      diary.note(`${response.status()}: ${response.request().method()} ${response.url()}`);
  });
  page.on("websocket", (socket) => {
    if (!socket.url().endsWith("/agent")) return;
    diary.note("agent socket: opening");
    socket.on("framesent", ({ payload }) => diary.note(`agent socket > ${frame(payload)}`));
    socket.on("framereceived", ({ payload }) => diary.note(`agent socket < ${frame(payload)}`));
    socket.on("socketerror", (error) => diary.note(`agent socket: ${error}`));
    socket.on("close", () => diary.note("agent socket: closed"));
  });
}

/** A frame of the agent's socket, without what would fill a screen. */
function frame(payload) {
  try {
    const { snapshot, doc, settings, subscribe, fallback, ticket, ...rest } = JSON.parse(payload);
    return JSON.stringify(rest);
  } catch {
    return `${String(payload).length} characters that are no JSON`;
  }
}

async function looks(page) {
  const frames = await Promise.all(
    page.frames().map(async (each) => {
      const text = await Promise.race([
        each.evaluate(() => document.body?.innerText ?? "").catch((error) => `(cannot be read: ${error.message})`),
        new Promise((late) => setTimeout(() => late("(does not answer)"), 5_000)),
      ]);
      return `[${each.url()}]\n${text.replace(/\s*\n\s*/g, " | ").slice(0, 1_500)}`;
    }),
  );
  return frames.join("\n");
}

/**
 * For `afterEach`: when the test has failed (or `TIELINE_EXPLAIN` is set), tells what its browser and the processes
 * behind it were doing.
 */
export async function explainFailure(context, { browser, processes = [] }) {
  if (context.passed && !process.env.TIELINE_EXPLAIN) return;
  const parts = [`== ${context.passed ? "after" : "after the failure of"} "${context.name}" ==`];
  if (browser) parts.push(await browser.describe().catch((error) => `the browser cannot be asked: ${error.message}`));
  for (const each of processes.filter(Boolean)) parts.push(`-- log of ${each.name} --\n${each.log.slice(-6_000)}`);
  console.error(parts.join("\n"));
}

/** The panel inside a page that frames it, however deep. */
export async function panelOf(page) {
  return frameAt(page, /\/panel\//);
}

/** The softphone inside the panel, whichever frame it is in: the library makes it anew until it answers. */
export async function softphoneOf(page) {
  return (await panelOf(page)).frameLocator(".ccp iframe");
}

/** Its frame of this moment, for what only a frame can be asked. */
export async function softphoneFrame(page) {
  return frameAt(page, /\/ccp-v2\//);
}

export async function frameAt(page, address, within = PATIENCE) {
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
  await lastClick(await popup, user);
  await panel.getByText("Connected", { exact: true }).waitFor();
  return panel;
}

/** A click on somebody's name after which a window closes by itself, perhaps before the click is over. */
export async function lastClick(window, user) {
  const choice = window.getByRole("button", { name: new RegExp(user) });
  await choice.waitFor();
  await choice.click().catch((error) => {
    if (!window.isClosed()) throw error;
  });
}

/** The panel's softphone is ready: nothing covers it any more. Before, a dial waits, and that for 20 s only. */
export async function softphoneReady(panel) {
  await panel.locator(".phone .ccp iframe").waitFor();
  await panel.locator(".phone .cover").waitFor({ state: "hidden" });
}
