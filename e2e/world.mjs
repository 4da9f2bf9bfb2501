// Starts Tieline and its simulated world for one test file, on ports of its own.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { once } from "node:events";

/** Generous: a busy machine is slow, and what never happens fails all the same. */
export const PATIENCE = 60_000;

export const BINARY = process.env.TIELINE ?? resolve(import.meta.dirname, "../target/debug/tieline");

/**
 * A port p with p … p+4 free at the moment. Below those that systems give to whoever connects: a server that was
 * killed must find its port free when it comes back.
 */
async function freeBase() {
  for (let tries = 0; tries < 50; tries++) {
    const base = 10000 + Math.floor(Math.random() * 20000);
    const free = await Promise.all([0, 1, 2, 3, 4].map((n) => isFree(base + n)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no five free ports in a row");
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** Runs the command; `ready` resolves when `url` answers 200. */
export class Process {
  constructor(args, env = {}) {
    this.name = `tieline ${args[0]}`;
    this.log = "";
    this.child = spawn(BINARY, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (text) => {
        this.log = (this.log + text).slice(-200_000);
      });
    }
    this.exited = once(this.child, "exit");
  }

  async ready(url) {
    await until(async () => {
      assert.equal(this.child.exitCode, null, `the process ended:\n${this.log}`);
      return (await fetch(url).catch(() => null))?.ok;
    }, `${url} to answer`, PATIENCE, () => this.log);
  }

  async kill(signal = "SIGKILL") {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      process.kill(this.child.pid, signal);
      await this.exited;
    }
  }
}

/** Runs the command to its end: `{code, stdout, stderr}`. */
export function run(args, { input, ...options } = {}) {
  return new Promise((done) => {
    const child = execFile(BINARY, args, options, (error, stdout, stderr) =>
      done({ code: error ? error.code : 0, stdout, stderr }),
    );
    child.stdin.on("error", () => undefined); // a command that does not read it may be gone already
    child.stdin.end(input ?? "");
  });
}

/** Waits until `look` gives something truthy, and gives it. */
export async function until(look, what, within = PATIENCE, context = () => "") {
  const end = performance.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${within} ms for ${what}\n${context()}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

/** JSON over HTTP; throws with the body when the status is not 2xx. */
export async function call(method, url, body, headers = {}) {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

const SANDBOX = { "x-tieline-sandbox": "1" };

/** What tests ask of the simulated world, wherever its parts listen. */
export class Sandbox {
  constructor(base) {
    this.salesforce = `http://127.0.0.1:${base + 1}`;
    this.connect = `http://127.0.0.1:${base + 2}`;
  }

  control(part, method, path, body) {
    return call(method, `${this[part]}/sandbox/v1${path}`, body, SANDBOX);
  }

  advance(duration) {
    return this.control("connect", "POST", "/clock", { advance: duration });
  }

  async fault(part, fault) {
    const { id } = await this.control(part, "POST", "/faults", fault);
    return () => this.control(part, "DELETE", `/faults/${id}`);
  }

  ring(request) {
    return this.control("connect", "POST", "/calls", request);
  }

  async query(soql) {
    if (!this.token) {
      const form = new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "tieline-sandbox",
        client_secret: "sandbox-secret",
      });
      const response = await fetch(`${this.salesforce}/services/oauth2/token`, { method: "POST", body: form });
      this.token = (await response.json()).access_token;
    }
    const answer = await call("GET", `${this.salesforce}/services/data/v62.0/query?q=${encodeURIComponent(soql)}`, undefined, {
      authorization: `Bearer ${this.token}`,
    });
    return answer.records;
  }

  requests(since) {
    return this.control("salesforce", "GET", `/requests${since ? `?since=${encodeURIComponent(since)}` : ""}`);
  }
}

/** The demo: Tieline and the world in one process, one clock. */
export async function startDemo(env = {}) {
  const base = await freeBase();
  const data = await mkdtemp(join(tmpdir(), "tieline-e2e-"));
  const running = new Process(["demo", "--base-port", String(base), "--data", data], env);
  const tieline = `http://127.0.0.1:${base}`;
  await running.ready(`${tieline}/readyz`);
  return {
    base,
    data,
    tieline,
    panel: `http://panel.localhost:${base}/panel/demo`,
    stage: `http://crm.localhost:${base + 1}/stage`,
    crm: `http://crm.localhost:${base + 1}/lightning/`,
    sandbox: new Sandbox(base),
    process: running,
    async stop() {
      await running.kill("SIGTERM");
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Tieline and the world in two processes, so that Tieline can be stopped, killed and started again on its data. */
export async function startApart() {
  const base = await freeBase();
  const folder = await mkdtemp(join(tmpdir(), "tieline-e2e-"));
  const tieline = `http://127.0.0.1:${base}`;
  const deliveries = `${tieline}/v1/connections/connect/deliveries`;
  const world = new Process(["sandbox", "--base-port", String(base), "--data", folder, "--deliver-to", deliveries]);
  const config = join(folder, "tieline.toml");
  await writeFile(
    config,
    `listen = "127.0.0.1:${base}"
public_url = "http://panel.localhost:${base}"
data = "${join(folder, "tieline")}"
secret_key = "env:TIELINE_SECRET_KEY"
[connections.connect]
kind = "amazon-connect"
instance_url = "http://ccp.localhost:${base + 2}"
region = "us-east-1"
eventbridge_keys = ["env:EVENTBRIDGE_KEY"]
firehose_keys = ["env:FIREHOSE_KEY"]
[connections.salesforce]
kind = "salesforce"
instance_url = "http://crm.localhost:${base + 1}"
grant = "client_credentials"
client_id = "tieline-sandbox"
client_secret = "env:SALESFORCE_SECRET"
[workspaces.demo]
contact_center = "connect"
crm = "salesforce"
region = "US"
[workspaces.demo.sign_in]
issuer = "http://crm.localhost:${base + 1}"
client_id = "tieline-panel"
`,
  );
  const env = {
    TIELINE_SECRET_KEY: "0123456789abcdef0123456789abcdef",
    EVENTBRIDGE_KEY: "sandbox-eventbridge-key",
    FIREHOSE_KEY: "sandbox-firehose-key",
    SALESFORCE_SECRET: "sandbox-secret",
  };
  const apart = {
    base,
    tieline,
    panel: `http://panel.localhost:${base}/panel/demo`,
    crm: `http://crm.localhost:${base + 1}/lightning/`,
    sandbox: new Sandbox(base),
    server: null,
    world,
    async start() {
      apart.server = new Process(["serve", "--config", config], env);
      await apart.server.ready(`${tieline}/readyz`);
    },
    async stop() {
      apart.server?.child.kill("SIGCONT");
      await apart.server?.kill();
      await world.kill("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
  await world.ready(`http://127.0.0.1:${base + 2}/ccp-v2/`);
  await apart.start();
  return apart;
}

export { freeBase };
