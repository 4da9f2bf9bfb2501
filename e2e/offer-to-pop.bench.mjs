// From the offer of a call to the pop asked of the CRM page, in Chromium. Not a test: `make bench`.

import { openBrowser, signIn } from "./browser.mjs";
import { startDemo, until } from "./world.mjs";

const CALLS = 40;

const demo = await startDemo();
const browser = await openBrowser();
const page = await browser.newPage();

// What travels between panel and server, as the browser sees it.
const frames = { offered: 0, commanded: 0 };
page.on("websocket", (socket) => {
  if (!socket.url().includes("/agent")) return;
  socket.on("framesent", ({ payload }) => {
    const frame = JSON.parse(payload);
    if (frame.t === "event" && frame.event === "connecting") frames.offered = performance.now();
  });
  socket.on("framereceived", ({ payload }) => {
    const frame = JSON.parse(payload);
    if (frame.t === "command" && frame.op === "search_and_pop") frames.commanded = performance.now();
  });
});

const pops = () =>
  page.evaluate(() => (window.__opencti_calls ?? []).filter((call) => call.method === "searchAndScreenPop").length);
const percentile = (times, share) => times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)].toFixed(1);

try {
  await page.goto(demo.crm);
  await signIn(page);
  const whole = [];
  const server = [];
  for (let n = 0; n < CALLS; n++) {
    const before = await pops();
    frames.commanded = 0;
    const start = performance.now();
    const { contactId } = await demo.sandbox.ring({ from: "+12025550143" });
    await page.waitForFunction(
      (count) => window.__opencti_calls.filter((call) => call.method === "searchAndScreenPop").length > count,
      before,
      { polling: 5 },
    );
    whole.push(performance.now() - start);
    if (frames.commanded) server.push(frames.commanded - frames.offered);
    await demo.sandbox.control("connect", "POST", `/calls/${contactId}/hangup`, {});
    await until(async () => {
      await demo.sandbox.advance("PT15S");
      const agents = await demo.sandbox.control("connect", "GET", "/agents");
      return agents.every((agent) => agent.contacts.length === 0 && agent.state !== "MissedCallAgent");
    }, "the softphone to be free again");
    await demo.sandbox.control("connect", "POST", "/agents/nora.quist/state", { state: "Available" }).catch(() => undefined);
  }
  console.log(`${CALLS} calls offered, in milliseconds`);
  console.log(`  offer placed -> pop asked of the CRM page:        p50 ${percentile(whole, 0.5)}  p99 ${percentile(whole, 0.99)}`);
  console.log(`  event sent by the panel -> command received:      p50 ${percentile(server, 0.5)}  p99 ${percentile(server, 0.99)}`);
} finally {
  await browser.close();
  await demo.stop();
}
