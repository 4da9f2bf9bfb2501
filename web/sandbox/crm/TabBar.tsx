import type { Tabs } from "./tabs";

interface Props {
  tabs: Tabs;
  onSelect(key: string): void;
  onClose(key: string): void;
}

export function TabBar({ tabs, onSelect, onClose }: Props) {
  return (
    <nav className="tabbar" aria-label="Open tabs">
      {tabs.open.map((tab) => (
        <span key={tab.key} className={tab.key === tabs.active ? "tab active" : "tab"} data-tab={tab.key}>
          <button
            type="button"
            aria-current={tab.key === tabs.active ? "page" : undefined}
            onClick={() => onSelect(tab.key)}
          >
            {tab.title}
          </button>
          {tab.key !== "home" && (
            <button
              type="button"
              className="close"
              aria-label={`Close ${tab.title}`}
              onClick={() => onClose(tab.key)}
            >
              ×
            </button>
          )}
        </span>
      ))}
    </nav>
  );
}
