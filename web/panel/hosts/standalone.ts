import { type Host, HostError } from "./host";

/**
 * No CRM page around us: the panel in a window of its own, for orgs that may not use Open CTI.
 *
 * Calls, attributes and logging work; what would move a CRM page is refused by name, so that a flow takes its
 * failure branch instead of waiting.
 */
export function standalone(): Host {
  const refuse = () =>
    Promise.reject(
      new HostError("crm_page.unsupported", "the panel stands alone: there is no CRM page to move"),
    );
  return {
    kind: "standalone",
    operations: [],
    start: () => Promise.resolve(),
    searchAndPop: refuse,
    popRecord: refuse,
    popNewRecord: refuse,
    refresh: refuse,
    show: () => Promise.resolve(),
    label: () => Promise.resolve(),
  };
}
