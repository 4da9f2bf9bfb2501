import type { PanelState } from "../state";
import { strings } from "../strings";

export function Header({ state, onSignOut }: { state: PanelState; onSignOut: () => void }) {
  const { signIn, link } = state;
  const signedIn = signIn.is === "signed_in";
  const name = signedIn ? (state.agentName ?? signIn.agent.name) : strings.header.unknown;
  const shown = signedIn ? link : signIn.is === "unreachable" ? "unreachable" : "signed_out";
  return (
    <header className="header">
      <Mark />
      <span className="agent" title={name}>
        {name}
      </span>
      {/* Live: a lost connection is said, not only coloured. */}
      <span className={`link link-${shown}`} role="status">
        {strings.header.links[shown]}
      </span>
      {signedIn && (
        <button type="button" className="quiet" onClick={onSignOut}>
          {strings.header.signOut}
        </button>
      )}
    </header>
  );
}

/** Two ends and the line between them. */
function Mark() {
  return (
    <svg className="mark" viewBox="0 0 20 20" width="18" height="18" role="img" aria-label={strings.product}>
      <circle cx="4" cy="14" r="3" />
      <circle cx="16" cy="6" r="3" />
      <path d="M6.4 12.3 13.6 7.7" />
    </svg>
  );
}
