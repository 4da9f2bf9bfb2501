import type { ShownNotice } from "../state";
import { strings } from "../strings";

export function Notices({ notices, onDismiss }: { notices: ShownNotice[]; onDismiss: (id: string) => void }) {
  return (
    // The region is always there: screen readers announce what is added to it, not what it comes with.
    <section className="notices" aria-live="polite" aria-label={strings.notices.region}>
      {notices.map((notice) => (
        <div key={notice.id} className={`notice ${notice.level}`}>
          <p>{notice.text}</p>
          <button
            type="button"
            className="close"
            aria-label={strings.notices.dismiss}
            onClick={() => onDismiss(notice.id)}
          >
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
              <path d="M2 2l8 8M10 2l-8 8" />
            </svg>
          </button>
        </div>
      ))}
    </section>
  );
}
