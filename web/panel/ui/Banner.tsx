import type { ReactNode } from "react";
import type { PanelControls } from "../panel";
import type { PanelState } from "../state";
import { strings } from "../strings";

/** What the agent should do about Tieline itself. Nothing while all is well. The softphone works below it. */
export function Banner({ state, controls }: { state: PanelState; controls: PanelControls }) {
  const { signIn, link, host } = state;
  if (signIn.is !== "signed_in") return <SignInCard state={state} controls={controls} />;
  if (link === "stopped") {
    return (
      <Card tone="error" title={strings.stopped.title} body={state.stopped ?? ""}>
        <button type="button" onClick={controls.reload}>
          {strings.stopped.reload}
        </button>
      </Card>
    );
  }
  if (link === "unreachable") {
    return (
      <Card
        tone="warning"
        title={strings.header.links.unreachable}
        body={state.fallback ? strings.unreachable.body : strings.unreachable.plain}
      />
    );
  }
  if (host === "failed") return <Card tone="warning" body={strings.host.failed} />;
  if (host === "script_blocked") return <Card tone="warning" body={strings.host.scriptBlocked} />;
  return null;
}

function SignInCard({ state, controls }: { state: PanelState; controls: PanelControls }) {
  const text = strings.signIn;
  const { signIn } = state;
  const button = (label: string) => (
    <button type="button" className="primary" onClick={controls.signIn}>
      {label}
    </button>
  );
  switch (signIn.is) {
    case "checking":
      return <Card tone="plain" body={text.checking} />;
    case "unreachable":
      return (
        <Card tone="warning" body={text.unreachable}>
          <button type="button" onClick={controls.retrySignIn}>
            {text.retry}
          </button>
        </Card>
      );
    case "waiting":
      return (
        <Card tone="plain" title={text.title} body={signIn.closed ? text.waitingClosed : text.waiting}>
          {signIn.closed ? (
            button(text.again)
          ) : (
            <button type="button" onClick={controls.signIn}>
              {text.again}
            </button>
          )}
        </Card>
      );
    case "blocked":
      return (
        <Card tone="warning" title={text.title} body={text.blocked}>
          {button(text.retry)}
        </Card>
      );
    case "failed":
      return (
        <Card tone="error" title={text.failed} body={text.failedHint}>
          <p className="code">
            {signIn.code}
            {signIn.detail && `: ${signIn.detail}`}
          </p>
          {button(text.retry)}
        </Card>
      );
    default:
      return (
        <Card tone="plain" title={text.title} body={text.why}>
          {button(text.button)}
        </Card>
      );
  }
}

interface CardProps {
  tone: "plain" | "warning" | "error";
  title?: string;
  body: string;
  children?: ReactNode;
}

export function Card({ tone, title, body, children }: CardProps) {
  return (
    <section className={`card ${tone}`} role={tone === "error" ? "alert" : undefined}>
      {title && <h2>{title}</h2>}
      {body && <p>{body}</p>}
      {children}
    </section>
  );
}
