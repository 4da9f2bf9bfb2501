// Simulated Amazon Connect alone, with the genuine softphone library in a page of another
// origin: for tests of the softphone that need nothing of Tieline.

import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const ROOT = resolve(import.meta.dirname, "..");
const require = createRequire(import.meta.url);
const LIBRARY = join(dirname(require.resolve("amazon-connect-streams/package.json")), "release/connect-streams-min.js");

const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Named last, so it replaces playwright's own list, which changes how frames may store things.
  "--disable-features=Translate",
];

/** The example is built once, by whichever test comes first. */
let building;

export function launchChromium() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: CHROMIUM_FLAGS });
}

/** Starts the sandbox's Amazon Connect; `control` speaks to it, `stop` ends it. */
export async function startConnect(options = []) {
  building ??= promisify(execFile)("cargo", ["build", "--quiet", "-p", "tieline-sandbox", "--example", "world"], {
    cwd: ROOT,
  });
  await building;
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const child = spawn(join(target, "debug/examples/world"), options, { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await new Promise((found, failed) => {
    createInterface(child.stdout).once("line", (text) => found([text]));
    child.once("exit", (code) => failed(new Error(`the sandbox ended with ${code}`)));
  });
  const { amazon_connect: address, port } = JSON.parse(line);
  return {
    ccp: `http://ccp.localhost:${port}/ccp-v2/`,
    async control(method, path, body) {
      const answer = await fetch(`${address}/sandbox/v1${path}`, {
        method,
        headers: { "Content-Type": "application/json", "X-Tieline-Sandbox": "1" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text ? JSON.parse(text) : null;
    },
    async stop() {
      const ended = new Promise((end) => child.once("exit", end));
      // It ends with its standard input.
      child.stdin.end();
      await ended;
    },
  };
}

/** A server for the page that frames the softphone, on an origin of its own. */
export async function startHost() {
  const pages = {
    "/": ["text/html", "<!doctype html><title>host</title><script src=/streams.js></script><div id=ccp style='width:320px;height:480px'></div>"],
    "/streams.js": ["text/javascript", await readFile(LIBRARY)],
  };
  const server = createServer((request, response) => {
    const [type, body] = pages[request.url] ?? [];
    response.writeHead(body ? 200 : 404, { "Content-Type": type ?? "text/plain" }).end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://panel.localhost:${server.address().port}`;
  return {
    origin,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/**
 * A page with the library initialised on the softphone. What the library reports is kept in the
 * page as `seen`, texts such as `contact connecting` and `agent PendingBusy`.
 */
export async function openSoftphone(browser, host, ccp, options = {}) {
  const page = await (options.context ?? browser).newPage();
  await page.goto(host.origin);
  await page.evaluate(
    ({ ccpUrl, timeout }) => {
      window.seen = [];
      const { connect, seen } = window;
      // First: the library has nothing to subscribe to before.
      connect.core.initCCP(document.getElementById("ccp"), {
        ccpUrl,
        loginPopup: false,
        ccpLoadTimeout: timeout,
        softphone: { allowFramedSoftphone: false },
      });
      connect.contact((contact) => {
        window.contact = contact;
        const names = ["Incoming", "Connecting", "Connected", "Accepted", "Missed", "Ended", "ACW", "Error", "Destroy"];
        for (const name of names) contact[`on${name}`](() => seen.push(`contact ${name.toLowerCase()}`));
        contact.onRefresh((now) => {
          const held = now.getConnections().some((connection) => connection.getState().type === "hold");
          seen.push(held ? "contact held" : "contact not held");
        });
      });
      connect.agent((agent) => {
        window.agent = agent;
        seen.push(`agent ${agent.getState().name}`);
        agent.onStateChange((change) => seen.push(`agent ${change.newState}`));
        agent.onEnqueuedNextState(() => seen.push("agent enqueued"));
        agent.onAfterCallWork(() => seen.push("agent acw"));
        agent.onError(() => seen.push("agent error"));
      });
      connect.core.onAccessDenied(() => seen.push("access denied"));
      connect.core.onAuthFail(() => seen.push("auth fail"));
      connect.core.onInitialized(() => seen.push("initialized"));
      connect.core.getEventBus().subscribe(connect.EventType.TERMINATED, () => seen.push("terminated"));
    },
    { ccpUrl: ccp, timeout: options.loadTimeout ?? 5000 },
  );
  return page;
}

/** Waits until the library has reported `what` at least `times` times. */
export function saw(page, what, times = 1) {
  return page
    .waitForFunction(([text, count]) => window.seen.filter((each) => each === text).length >= count, [what, times], {
      timeout: 15_000,
      polling: 50,
    })
    .catch(async (error) => {
      throw new Error(`the library never reported "${what}"; it reported ${JSON.stringify(await page.evaluate(() => window.seen))}`, {
        cause: error,
      });
    });
}

/** Calls the library with callbacks and waits for one: `["success", data]` or `["failure", error]`. */
export function ask(page, call) {
  return page.evaluate(
    (source) =>
      new Promise((done) => {
        const callbacks = { success: (data) => done(["success", data]), failure: (error) => done(["failure", error]) };
        new Function("callbacks", `return (${source})(callbacks)`)(callbacks);
      }),
    call.toString(),
  );
}

/** The softphone's own frame. */
export async function softphoneFrame(page) {
  const handle = await page.waitForSelector("iframe");
  return handle.contentFrame();
}
