import { expect, test } from "vitest";
import { type Contact, phaseOf, revive } from "./snapshot";

test("the server's times become dates, and an attribute of that name does not", () => {
  const text = '{"at": {"$date": 0}, "attributes": {"$date": {"name": "$date", "value": "1"}}}';

  const read = JSON.parse(text, revive);

  expect(read.at).toEqual(new Date(0));
  expect(read.attributes.$date).toEqual({ name: "$date", value: "1" });
});

test.each([
  ["connecting", "inbound", "connected", "incoming"],
  ["connecting", "outbound", "connecting", "dialing"],
  ["connected", "inbound", "connected", "talking"],
  ["connected", "inbound", "hold", "held"],
  ["ended", "outbound", "disconnected", "wrapping"],
  ["error", "inbound", "connected", "missed"],
  ["error", "outbound", "disconnected", "failed"],
])("a contact that is %s (%s, customer %s) is shown as %s", (state, type, customer, phase) => {
  const timestamp = new Date(0);
  const contact = {
    contactId: "c-1",
    state: { type: state, timestamp },
    connections: [
      { connectionId: "l-1", type, initial: true, mute: false, state: { type: customer, timestamp } },
    ],
  } as unknown as Contact;

  expect(phaseOf(contact)).toBe(phase);
});
