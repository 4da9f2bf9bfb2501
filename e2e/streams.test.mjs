// The genuine amazon-connect-streams drives the simulated softphone: host page on one origin,
// softphone on another, as in life.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { ask, launchChromium, openSoftphone, saw, softphoneFrame, startConnect, startHost } from "./lib.mjs";

let browser;
let host;
let connect;
let page;

before(async () => {
  browser = await launchChromium();
  host = await startHost();
});

after(async () => {
  await browser?.close();
  await host?.stop();
});

beforeEach(async () => {
  connect = await startConnect(["--allow-origin", host.origin, "--agent", "nora.quist", "--frozen", "2026-11-20T12:00:00Z"]);
});

afterEach(async () => {
  await page?.close();
  await connect?.stop();
});

const open = async (options) => {
  page = await openSoftphone(browser, host, connect.ccp, options);
};

const start = async () => {
  await open();
  await saw(page, "agent Available");
};

const ring = async (body = {}) => {
  const { contactId } = await connect.control("POST", "/calls", { from: "+12025550143", ...body });
  await saw(page, "contact connecting");
  return contactId;
};

const advance = (span) => connect.control("POST", "/clock", { advance: span });
const stateOf = async (id) => (await connect.control("GET", `/calls/${id}`)).state;
const seen = () => page.evaluate(() => window.seen);

test("the library initialises and knows the agent, its states, queues and number formats", async () => {
  await start();
  await saw(page, "initialized");

  const known = await page.evaluate(() => ({
    name: window.agent.getName(),
    states: window.agent.getAgentStates().map((state) => state.name),
    queues: window.agent.getRoutingProfile().queues.map((queue) => queue.name),
    softphone: window.agent.isSoftphoneEnabled(),
    voices: window.agent.getChannelConcurrency("VOICE"),
    permissions: window.agent.getPermissions(),
    forMs: window.agent.getStateDuration() >= 0,
    instance: window.connect.core.getAgentDataProvider().getInstanceId?.(),
  }));

  assert.equal(known.name, "Nora Quist");
  assert.deepEqual(known.states, ["Available", "Offline", "Lunch", "Training"]);
  assert.deepEqual(known.queues, ["Sales", "Billing", "Support"]);
  assert.equal(known.softphone, true);
  assert.equal(known.voices, 1);
  assert.deepEqual(known.permissions, ["outboundCall"]);
  assert.equal(known.forMs, true);
  if (known.instance !== undefined) assert.equal(known.instance, "11111111-2222-4333-8444-555555555555");
});

test("an inbound call is accepted, held, resumed, ended by the caller, wrapped up and cleared", async () => {
  await start();
  const id = await ring({ attributes: { intent: "<img src=x onerror=alert(1)>" }, queue: "Billing" });
  const offered = await page.evaluate(() => ({
    id: window.contact.getContactId(),
    inbound: window.contact.isInbound(),
    queue: window.contact.getQueue().name,
    number: window.contact.getInitialConnection().getEndpoint().phoneNumber,
    intent: window.contact.getAttributes().intent.value,
    agentState: window.agent.getState().name,
  }));
  assert.deepEqual(offered, {
    id,
    inbound: true,
    queue: "Billing",
    number: "+12025550143",
    intent: "<img src=x onerror=alert(1)>",
    agentState: "PendingBusy",
  });

  assert.deepEqual((await ask(page, (callbacks) => window.contact.accept(callbacks)))[0], "success");
  await saw(page, "contact connected");
  await saw(page, "contact accepted");
  assert.equal((await ask(page, (callbacks) => window.contact.getInitialConnection().hold(callbacks)))[0], "success");
  await saw(page, "contact held");
  assert.equal(await page.evaluate(() => window.contact.getInitialConnection().isOnHold()), true);
  assert.equal((await ask(page, (callbacks) => window.contact.getInitialConnection().resume(callbacks)))[0], "success");
  await page.waitForFunction(() => !window.contact.getInitialConnection().isOnHold());
  await connect.control("POST", `/calls/${id}/hangup`);
  await saw(page, "contact ended");
  await saw(page, "agent AfterCallWork");
  assert.equal((await ask(page, (callbacks) => window.contact.clear(callbacks)))[0], "success");
  await saw(page, "contact destroy");
  await saw(page, "agent Available", 2);

  const order = (await seen()).filter((each) => each.startsWith("contact ") && !each.includes("held"));
  assert.deepEqual(order.filter((each) => each !== "contact accepted"), [
    "contact connecting",
    "contact connected",
    "contact acw",
    "contact ended",
    "contact destroy",
  ]);
  assert.equal(order.filter((each) => each === "contact accepted").length, 1, "accepted is announced once");
  assert.equal(await stateOf(id), "over");
});

test("the agent can hang up", async () => {
  await start();
  const id = await ring();
  await ask(page, (callbacks) => window.contact.accept(callbacks));
  await saw(page, "contact connected");

  assert.equal((await ask(page, (callbacks) => window.contact.getAgentConnection().destroy(callbacks)))[0], "success");

  await saw(page, "contact ended");
  assert.equal((await connect.control("GET", `/calls/${id}`)).disconnectReason, "AGENT_DISCONNECT");
});

test("a rejected call is missed here and goes back into its queue", async () => {
  await start();
  const id = await ring();

  assert.equal((await ask(page, (callbacks) => window.contact.reject(callbacks)))[0], "success");

  await saw(page, "contact missed");
  await saw(page, "agent FailedConnectAgent");
  assert.equal(await stateOf(id), "queued");
});

test("a call nobody takes is missed after twenty seconds; the agent is available again later", async () => {
  await start();
  const id = await ring();

  await advance("PT20S");
  await saw(page, "contact missed");
  await saw(page, "agent MissedCallAgent");
  await saw(page, "agent error");
  await connect.control("POST", `/calls/${id}/hangup`);
  await advance("PT10S");

  await saw(page, "contact destroy");
  await saw(page, "agent Available", 2);
});

test("a caller who gives up while it rings leaves a missed call", async () => {
  await start();
  const id = await ring({ from: "anonymous" });

  await connect.control("POST", `/calls/${id}/hangup`);

  await saw(page, "contact missed");
  assert.equal(await stateOf(id), "over");
});

test("the agent dials and is connected after two seconds", async () => {
  await start();

  const dialled = await ask(page, (callbacks) =>
    window.agent.connect(window.connect.Endpoint.byPhoneNumber("+12025550147"), callbacks),
  );
  assert.equal(dialled[0], "success", dialled[1]);
  await saw(page, "contact connecting");
  await saw(page, "agent CallingCustomer");
  await advance("PT2S");
  await saw(page, "contact connected");

  assert.equal(await page.evaluate(() => window.contact.isInbound()), false);
  assert.ok(!(await seen()).includes("contact accepted"), "outbound calls are not accepted by anybody");
});

test("a busy line is an error the agent closes", async () => {
  await connect.control("PUT", "/callee", { behaviour: "busy" });
  await start();
  await ask(page, (callbacks) => window.agent.connect(window.connect.Endpoint.byPhoneNumber("+12025550147"), callbacks));
  await saw(page, "contact connecting");

  await advance("PT2S");

  await saw(page, "agent LineEngagedCustomer");
  await saw(page, "contact error");
  assert.equal((await ask(page, (callbacks) => window.contact.clear(callbacks)))[0], "success");
  await saw(page, "agent Available", 2);
});

test("what cannot be dialled fails with the service's exception as text", async () => {
  await start();

  const [how, error] = await ask(page, (callbacks) =>
    window.agent.connect(window.connect.Endpoint.byPhoneNumber("O'Neil"), callbacks),
  );

  assert.equal(how, "failure");
  assert.equal(JSON.parse(error).type, "BadEndpointException");
});

test("the agent changes state, and on a call only the next one", async () => {
  await start();
  const change = (name, enqueueNextState) =>
    page.evaluate(
      ([wanted, enqueue]) =>
        new Promise((done) => {
          const state = window.agent.getAgentStates().find((each) => each.name === wanted);
          const callbacks = { success: () => done("success"), failure: (error) => done(JSON.parse(error).type) };
          window.agent.setState(state, callbacks, { enqueueNextState: enqueue });
        }),
      [name, enqueueNextState],
    );

  assert.equal(await change("Lunch", false), "success");
  await saw(page, "agent Lunch");
  assert.equal(await change("Available", false), "success");
  await ring();
  await ask(page, (callbacks) => window.contact.accept(callbacks));
  await saw(page, "contact connected");
  assert.equal(await change("Training", false), "InvalidStateException");
  assert.equal(await change("Training", true), "success");
  await saw(page, "agent enqueued");
  await ask(page, (callbacks) => window.contact.getAgentConnection().destroy(callbacks));
  await saw(page, "contact ended");
  await ask(page, (callbacks) => window.contact.clear(callbacks));

  await saw(page, "agent Training");
});

test("a call waits for an agent and rings when one becomes available", async () => {
  await connect.control("POST", "/agents/nora.quist/state", { state: "Offline" });
  await open();
  await saw(page, "agent Offline");
  const { contactId } = await connect.control("POST", "/calls", { from: "+12025550143" });
  assert.equal(await stateOf(contactId), "queued");

  await connect.control("POST", "/agents/nora.quist/state", { state: "Available" });

  await saw(page, "contact connecting");
});

test("two pages of one agent see the same call and hear of the acceptance", async () => {
  await start();
  const other = await openSoftphone(browser, host, connect.ccp);
  await saw(other, "agent Available");
  await ring();
  await saw(other, "contact connecting");

  await ask(other, (callbacks) => window.contact.accept(callbacks));

  for (const each of [page, other]) {
    await saw(each, "contact connected");
    await saw(each, "contact accepted");
  }
  await other.close();
});

test("a page that is reloaded during a call finds the call as it is", async () => {
  await start();
  const id = await ring();
  await ask(page, (callbacks) => window.contact.accept(callbacks));
  await saw(page, "contact connected");
  await page.close();

  await open();

  await saw(page, "contact connected");
  assert.equal(await page.evaluate(() => window.contact.getContactId()), id);
  assert.ok(!(await seen()).includes("contact connecting"));
});

test("the softphone's own buttons work by keyboard, and the library hears of it", async () => {
  await start();
  const frame = await softphoneFrame(page);
  await ring();

  await frame.getByRole("button", { name: "Accept" }).focus();
  await page.keyboard.press("Enter");
  await saw(page, "contact connected");
  await saw(page, "contact accepted");
  await frame.getByRole("button", { name: "Hold" }).click();
  await frame.getByRole("status").filter({ hasText: "On hold" }).waitFor();
  await frame.getByRole("button", { name: "Resume" }).click();
  await frame.getByRole("button", { name: "Mute" }).click();
  await frame.getByRole("button", { name: "Unmute" }).click();
  await frame.getByRole("button", { name: "Hang up" }).click();
  await saw(page, "contact ended");
  await frame.getByRole("button", { name: "Close contact" }).click();
  await saw(page, "contact destroy");
  await frame.getByLabel("Number", { exact: true }).fill("+1 (202) 555-0147");
  await frame.getByRole("button", { name: "Call", exact: true }).click();
  await saw(page, "agent CallingCustomer");
  await advance("PT2S");
  await frame.getByRole("status").filter({ hasText: "Connected" }).waitFor();

  const { width, wanted } = await frame.evaluate(() => ({
    width: window.innerWidth,
    wanted: document.documentElement.scrollWidth,
  }));
  assert.ok(wanted <= width, `the softphone is ${wanted} px wide in a frame of ${width}`);
});

test("without a default agent the softphone asks who is working, and remembers", async () => {
  await connect.stop();
  connect = await startConnect(["--allow-origin", host.origin]);
  await open({ loadTimeout: 30_000 });
  const frame = await softphoneFrame(page);

  await frame.getByRole("button", { name: "Otto Lund" }).click();

  await saw(page, "agent Available");
  assert.equal(await page.evaluate(() => window.agent.getName()), "Otto Lund");
  await frame.getByRole("button", { name: "Change agent" }).click();
  await frame.getByRole("button", { name: "Nora Quist" }).waitFor();
});

test("faults: an API error reaches the failure callback, a silent one reaches none", async () => {
  await start();
  await ring();
  await connect.control("POST", "/faults", { kind: "api_error", method: "holdConnection", code: "AccessDeniedException" });
  await connect.control("POST", "/faults", { kind: "api_silent", method: "acceptContact" });

  const silent = await Promise.race([
    ask(page, (callbacks) => window.contact.accept(callbacks)),
    // The answer to a later request comes over the same channel, so nothing can be on its way before it.
    ask(page, (callbacks) => window.agent.getEndpoints([], callbacks)),
  ]);
  assert.equal(silent[0], "success");
  assert.ok(!(await seen()).includes("contact connected"));
  await ask(page, (callbacks) => window.contact.accept(callbacks));
  await saw(page, "contact connected");
  const [how, error] = await ask(page, (callbacks) => window.contact.getInitialConnection().hold(callbacks));

  assert.equal(how, "failure");
  assert.equal(JSON.parse(error).type, "AccessDeniedException");
});

test("faults: without a first acknowledge the library loads the softphone again", async () => {
  await connect.control("POST", "/faults", { kind: "no_ack" });

  await open({ loadTimeout: 1500 });

  await saw(page, "agent Available");
});

test("faults: access denied and terminated are told", async () => {
  await start();

  await connect.control("POST", "/faults", { kind: "access_denied" });
  await saw(page, "access denied");
  await connect.control("POST", "/faults", { kind: "terminated" });
  await saw(page, "terminated");
});

test("a page of an origin that is not approved cannot frame the softphone", async () => {
  await connect.stop();
  connect = await startConnect(["--agent", "nora.quist"]);
  await open({ loadTimeout: 30_000 });

  await assert.rejects(
    page.waitForFunction(() => window.seen.includes("initialized"), undefined, { timeout: 1500 }),
  );
  const frame = await softphoneFrame(page);
  assert.ok(!frame.url().startsWith(connect.ccp), "the browser refuses to show it");
});
