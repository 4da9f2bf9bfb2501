import { type ReactNode, useEffect, useRef, useState } from "react";
import type { PanelControls } from "../panel";
import type { PhoneFacts } from "../phones/phone";
import { strings } from "../strings";

/** The softphone's own frame, and over it what to do while it is not usable. */
export function PhonePane({ phone, controls }: { phone: PhoneFacts; controls: PanelControls }) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (container.current) controls.mountPhone(container.current);
  }, [controls]);
  const hidden = phone.state !== "ready" && phone.state !== "waiting";
  return (
    <section className="phone" aria-label={strings.phone.frame}>
      {/* The frame stays in the page and keeps its size while it is covered: it must go on loading. */}
      <div ref={container} className="ccp" inert={hidden} />
      {phone.state !== "ready" && <Cover phone={phone} controls={controls} />}
    </section>
  );
}

function Cover({ phone, controls }: { phone: PhoneFacts; controls: PanelControls }) {
  const text = strings.phone;
  const [blocked, setBlocked] = useState(false);
  const reload = (
    <button type="button" onClick={controls.reload}>
      {text.reload}
    </button>
  );
  switch (phone.state) {
    case "starting":
      return <Waiting label={text.starting} />;
    case "waiting":
      return <Waiting label={text.waiting} slim />;
    case "needs_sign_in":
    case "terminated":
      return (
        <Message
          title={phone.state === "terminated" ? text.terminated : text.needsSignIn}
          body={phone.state === "terminated" ? text.terminatedWhy : text.needsSignInWhy}
        >
          <button type="button" className="primary" onClick={() => setBlocked(!controls.signInToPhone())}>
            {text.needsSignInButton}
          </button>
          <p className={blocked ? "hint problem" : "hint"} aria-live="polite">
            {blocked ? text.blocked : text.needsSignInAfter}
          </p>
        </Message>
      );
    case "unreachable":
      return (
        <Message title={text.unreachable} body={text.unreachableWhy}>
          <p className="code">{controls.phoneAddress}</p>
          <button type="button" className="primary" onClick={() => setBlocked(!controls.signInToPhone())}>
            {text.needsSignInButton}
          </button>
          {reload}
        </Message>
      );
    case "denied":
      return (
        <Message title={text.denied} body={text.deniedWhy}>
          <ul className="code">
            {controls.origins.map((origin) => (
              <li key={origin}>{origin}</li>
            ))}
          </ul>
          {reload}
        </Message>
      );
    case "failed":
      return (
        <Message title={text.failed} body={text.failedWhy}>
          {reload}
        </Message>
      );
    default:
      return null;
  }
}

function Waiting({ label, slim }: { label: string; slim?: boolean }) {
  return (
    <div className={slim ? "cover slim" : "cover"} role="status">
      <span className="spinner" aria-hidden="true" />
      <p>{label}</p>
    </div>
  );
}

function Message({ title, body, children }: { title: string; body: string; children: ReactNode }) {
  return (
    <div className="cover" role="alert">
      <h2>{title}</h2>
      <p>{body}</p>
      {children}
    </div>
  );
}
