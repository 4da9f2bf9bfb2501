/** What the server says of the agent, as the softphone library wants it. */
export interface AgentData {
  snapshot: Snapshot;
  configuration: { name: string; username: string; agentStates: AgentState[] };
}

export interface AgentState {
  agentStateARN: string | null;
  type: string;
  name: string;
  startTimestamp?: Date;
}

export interface Snapshot {
  state: AgentState;
  nextState?: AgentState;
  agentAvailabilityState: { state: string; timeStamp: Date };
  contacts: Contact[];
  snapshotTimestamp: Date;
  localTimestamp?: number;
  skew?: number;
}

export interface Contact {
  contactId: string;
  state: { type: string; timestamp: Date };
  queue?: { name: string };
  connections: Connection[];
}

export interface Connection {
  connectionId: string;
  type: string;
  initial: boolean;
  mute: boolean;
  state: { type: string; timestamp: Date };
  endpoint: { phoneNumber: string | null };
}

export type Phase = "incoming" | "dialing" | "talking" | "held" | "wrapping" | "failed" | "missed";

/** JSON has no dates: the server writes `{"$date": milliseconds}`, the library wants `Date`. */
export function revive(_key: string, value: unknown): unknown {
  if (value !== null && typeof value === "object" && "$date" in value && typeof value.$date === "number") {
    return new Date(value.$date);
  }
  return value;
}

export function customerOf(contact: Contact): Connection | undefined {
  return contact.connections.find((connection) => connection.initial);
}

export function agentOf(contact: Contact): Connection | undefined {
  return contact.connections.find((connection) => connection.type === "agent");
}

export function phaseOf(contact: Contact): Phase {
  const customer = customerOf(contact);
  switch (contact.state.type) {
    case "connecting":
      return customer?.type === "outbound" ? "dialing" : "incoming";
    case "connected":
      return customer?.state.type === "hold" ? "held" : "talking";
    case "ended":
      return "wrapping";
    default:
      return customer?.type === "outbound" ? "failed" : "missed";
  }
}
