import type { PanelStep, PanelTrace } from "../../shared/protocol";
import { strings } from "../strings";
import { Empty } from "./Empty";

/** What the last flow did, step by step. */
export function Trace({ trace }: { trace: PanelTrace | null }) {
  const text = strings.drawer;
  if (!trace) return <Empty title={text.noTrace} hint={text.noTraceHint} />;
  return (
    <div className="trace">
      <h3>{trace.flow}</h3>
      <p className="meta">
        <code>{trace.event}</code>
        <span className={`ended ${trace.ended}`}>{text.ended[trace.ended] ?? trace.ended}</span>
        <span>{duration(trace.ms)}</span>
        <span>{text.steps(trace.steps.length)}</span>
      </p>
      <ol>
        {trace.steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a loop visits a step more than once; the order is fixed
          <Step key={`${step.step}-${index}`} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step }: { step: PanelStep }) {
  const text = strings.drawer;
  const bad = step.error !== undefined;
  return (
    <li className={bad ? "bad" : ""}>
      <details>
        <summary>
          <svg className="turn" viewBox="0 0 8 8" width="8" height="8" aria-hidden="true">
            <path d="M2 1l4 3-4 3" />
          </svg>
          <span className="name">{step.title || step.step}</span>
          {step.branch && <span className="branch">{step.branch}</span>}
          <span className="ms">{duration(step.ms)}</span>
        </summary>
        <p className="use">
          <code>{step.use}</code>
        </p>
        {bad && (
          <p className="problem">
            {text.error}: {step.error}
          </p>
        )}
        <Values label={text.inputs} values={step.inputs} />
        <Values label={text.outputs} values={step.outputs} />
      </details>
    </li>
  );
}

function Values({ label, values }: { label: string; values: Record<string, unknown> }) {
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  return (
    <>
      <h4>{label}</h4>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
