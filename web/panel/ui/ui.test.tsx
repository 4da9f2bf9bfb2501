import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { PanelControls } from "../panel";
import type { PhoneState } from "../phones/phone";
import type { Link } from "../session/machine";
import type { SignInState } from "../session/signIn";
import { readSettings } from "../settings";
import { details, type PanelState, Store, serverNotices } from "../state";
import { App } from "./App";

afterEach(cleanup);

const signedIn: SignInState = { is: "signed_in", agent: { id: "005", name: "Nora Quist" } };

function show(change: Partial<PanelState> = {}) {
  const store = new Store({
    link: "online",
    stopped: null,
    fallback: true,
    signIn: signedIn,
    agentName: null,
    phone: { state: "ready", audioOwner: true, contacts: [] },
    host: "ready",
    contact: null,
    attributes: [],
    trace: null,
    notices: [],
    ...change,
  });
  const controls = {
    store,
    mountPhone: vi.fn(),
    signIn: vi.fn(),
    signOut: vi.fn(),
    retrySignIn: vi.fn(),
    signInToPhone: vi.fn(() => false),
    dismiss: vi.fn(),
    tell: vi.fn(),
    reload: vi.fn(),
    phoneAddress: "http://ccp.example/ccp-v2/",
    origins: ["http://panel.example", "http://crm.example"],
  } satisfies PanelControls;
  render(<App controls={controls} />);
  return controls;
}

describe("the drawer", () => {
  const hostile = '<img src=x onerror="alert(1)">';

  it("is closed at start and stays so when a contact comes", () => {
    const { store } = show();
    store.set({ contact: "c-1", attributes: [{ name: "a", value: "b" }] });
    expect(screen.getByRole("button", { name: /Details/ }).getAttribute("aria-expanded")).toBe("false");
  });

  it("shows attribute values as text and never as markup", () => {
    show({ contact: "c-1", attributes: [{ name: hostile, value: hostile }] });
    fireEvent.click(screen.getByRole("button", { name: /Details/ }));
    expect(screen.getAllByText(hostile)).toHaveLength(2);
    expect(document.querySelector(".attributes img")).toBeNull();
  });

  it("closes on Escape and gives the focus back to its handle", () => {
    show();
    const handle = screen.getByRole("button", { name: /Details/ });
    fireEvent.click(handle);
    fireEvent.keyDown(screen.getByRole("tab", { name: "Attributes" }), { key: "Escape" });
    expect(handle.getAttribute("aria-expanded")).toBe("false");
    expect(document.activeElement).toBe(handle);
  });

  it("moves between its tabs with the arrows, round and round", () => {
    show();
    fireEvent.click(screen.getByRole("button", { name: /Details/ }));
    fireEvent.keyDown(screen.getByRole("tab", { name: "Attributes" }), { key: "ArrowRight" });
    expect(screen.getByRole("tab", { name: "Last flow" }).getAttribute("aria-selected")).toBe("true");
    fireEvent.keyDown(screen.getByRole("tab", { name: "Last flow" }), { key: "ArrowRight" });
    expect(screen.getByRole("tab", { name: "Attributes" }).getAttribute("aria-selected")).toBe("true");
  });

  it("says what will be there while it is empty", () => {
    show();
    fireEvent.click(screen.getByRole("button", { name: /Details/ }));
    expect(screen.getByText("No contact")).toBeTruthy();
    fireEvent.click(screen.getByRole("tab", { name: "Last flow" }));
    expect(screen.getByText("No flow has run yet")).toBeTruthy();
  });

  it("lists the steps of the last flow, and what failed", () => {
    const step = { step: "s", use: "crm.get_record", ms: 3, inputs: { object: "Case" }, outputs: {} };
    const steps = [step, { ...step, title: "Fetch the case", branch: "failure", error: "no such record" }];
    show({ trace: { flow: "Pop", event: "voice_contact.connecting", ended: "completed", ms: 1_240, steps } });
    fireEvent.click(screen.getByRole("button", { name: /Details/ }));
    fireEvent.click(screen.getByRole("tab", { name: "Last flow" }));
    expect(screen.getByText("1.2 s")).toBeTruthy();
    expect(screen.getByText("Error: no such record")).toBeTruthy();
  });
});

describe("what to do", () => {
  it.each<[string, SignInState, string]>([
    ["signed out", { is: "signed_out" }, "Sign in"],
    ["blocked", { is: "blocked" }, "Try again"],
    ["failed", { is: "failed", code: "sign_in.refused", detail: "not you" }, "Try again"],
    ["window closed", { is: "waiting", closed: true }, "Open it again"],
  ])("is one button while sign-in is %s", (_what, signIn, label) => {
    const controls = show({ signIn, link: "signed_out" });
    fireEvent.click(screen.getByRole("button", { name: label }));
    expect(controls.signIn).toHaveBeenCalledTimes(1);
  });

  it.each<[Link, RegExp]>([
    ["unreachable", /Calls work as usual/],
    ["stopped", /closed the connection/],
  ])("is said while the link is %s", (link, text) => {
    show({ link, stopped: "the softphone belongs to somebody else" });
    expect(screen.getAllByText(text).length).toBeGreaterThan(0);
  });

  it.each<[PhoneState, RegExp]>([
    ["starting", /Loading the softphone/],
    ["waiting", /Waiting for the softphone/],
    ["needs_sign_in", /not signed in to it/],
    ["terminated", /signed out of the softphone/],
    ["unreachable", /http:\/\/ccp\.example/],
    ["denied", /http:\/\/crm\.example/],
    ["failed", /could not be loaded/],
  ])("is said while the softphone is %s", (state, text) => {
    show({ phone: { state, audioOwner: false, contacts: [] } });
    expect(screen.getByText(text)).toBeTruthy();
  });

  it("is to allow pop-ups when the browser blocked the softphone's window", () => {
    show({ phone: { state: "needs_sign_in", audioOwner: false, contacts: [] } });
    fireEvent.click(screen.getByRole("button", { name: "Sign in to the softphone" }));
    expect(screen.getByText(/Allow pop-ups/)).toBeTruthy();
  });
});

it("announces notices and lets them be dismissed", () => {
  const controls = show({ notices: [{ id: "n-7", level: "warning", text: "Dialling when ready" }] });
  const region = screen.getByRole("region", { name: "Messages" });
  expect(region.getAttribute("aria-live")).toBe("polite");
  fireEvent.click(within(region).getByRole("button", { name: "Dismiss" }));
  expect(controls.dismiss).toHaveBeenCalledWith("n-7");
});

it("mounts the softphone even when nobody is signed in: calls never wait for us", () => {
  expect(show({ signIn: { is: "signed_out" }, link: "off" }).mountPhone).toHaveBeenCalled();
});

describe("the contact shown", () => {
  const contact = (id: string, since: number) => ({
    id,
    since,
    channel: "voice" as const,
    state: "connected",
    direction: "inbound" as const,
    attributes: { from: id },
    is_monitor: false,
  });
  const phone = {
    state: "ready" as const,
    audioOwner: true,
    contacts: [contact("old", 1), contact("new", 2)],
  };

  it("is the selected one, else the newest, else none", () => {
    expect(details({ ...phone, selected: "old" }, new Map(), null).contact).toBe("old");
    expect(details(phone, new Map(), null).contact).toBe("new");
    expect(details({ ...phone, contacts: [] }, new Map(), null)).toMatchObject({
      contact: null,
      attributes: [],
    });
  });

  it("has the server's attributes, each once, or the softphone's before those came", () => {
    expect(details(phone, new Map(), null).attributes).toEqual([{ name: "from", value: "new" }]);
    const twice = [
      { name: "a", value: "1" },
      { name: "a", value: "2" },
    ];
    const docs = new Map([["new", { attributes: twice, trace: null, notices: [] }]]);
    expect(details(phone, docs, null).attributes).toEqual([{ name: "a", value: "2" }]);
  });
});

it("shows the server's notices while its documents hold them, in our words where we have some", () => {
  const doc = (code: string, text: string) => ({
    attributes: [],
    trace: null,
    notices: [{ level: "info" as const, code, text }],
  });
  const docs = new Map([
    ["", doc("dial.waiting", "theirs")],
    ["c-1", doc("unknown.code", "about the contact")],
    ["c-2", doc("x", "of another contact")],
  ]);
  const shown = serverNotices("c-1", docs, { "dial.waiting": "ours" });
  expect(shown.map(({ text }) => text)).toEqual(["ours", "about the contact"]);
  expect(serverNotices(null, new Map(), {})).toEqual([]);
});

describe("the settings in the page", () => {
  const page = (text: string | null) => {
    const made = document.implementation.createHTMLDocument();
    if (text !== null) {
      const script = made.createElement("script");
      script.id = "tieline-settings";
      script.type = "application/json";
      script.textContent = text;
      made.body.append(script);
    }
    return made;
  };
  const ccp = (ccp_url: string) => JSON.stringify({ workspace: "demo", phone: { ccp_url } });

  it.each([
    ["nothing", null, /no settings/],
    ["no JSON", "{", /not JSON/],
    ["no workspace", "{}", /no workspace/],
    ["no softphone", '{"workspace":"demo"}', /no address/],
    ["an unfilled instance", ccp("https://default.my.connect.aws/ccp-v2/"), /default/],
  ])("with %s are explained", (_what, text, message) => {
    expect(readSettings(page(text))).toMatch(message);
  });

  it("are completed with what is usual", () => {
    expect(readSettings(page(ccp("https://acme.my.connect.aws/ccp-v2/")))).toMatchObject({
      workspace: "demo",
      region: "US",
      crm: { open_cti: { api_version: "62.0", host_suffixes: [], origins: [] } },
    });
  });
});
