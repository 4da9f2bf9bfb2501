import { strings } from "../strings";
import type { DrawerProps } from "./Drawer";
import { Empty } from "./Empty";

/** The contact's attributes. Callers control these values, so they are text and nothing else. */
export function Attributes({ contact, attributes, tell }: Omit<DrawerProps, "trace">) {
  const text = strings.drawer;
  if (contact === null) return <Empty title={text.noContact} hint={text.noContactHint} />;
  if (attributes.length === 0) return <Empty title={text.noAttributes} hint={text.noAttributesHint} />;

  const copy = async (value: string) => {
    const copied = await copyText(value);
    tell(copied ? "info" : "warning", copied ? text.copied : text.copyFailed);
  };
  return (
    <dl className="attributes">
      {attributes.map(({ name, value }) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd title={value}>
            <span>{value === "" ? <em>{text.empty}</em> : value}</span>
            <button
              type="button"
              className="copy"
              aria-label={text.copy(name)}
              onClick={() => void copy(value)}
            >
              <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
                <rect x="4.5" y="4.5" width="8" height="8" rx="1.5" />
                <path d="M9.5 4.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
              </svg>
            </button>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A framed page may be denied the clipboard; the old way still works inside a click. */
async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = value;
    area.style.position = "fixed";
    area.style.opacity = "0";
    const before = document.activeElement as HTMLElement | null;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    before?.focus();
    return copied;
  }
}
