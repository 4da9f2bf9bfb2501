/** What the softphone's script and the CRM page say to each other. */

export interface FromFrame {
  tieline_opencti: 1;
  id: number;
  method: string;
  args: Record<string, unknown>;
}

export type ToFrame =
  | { tieline_opencti: 1; id: number; response: Response }
  | { tieline_opencti: 1; event: "clickToDial" | "navigation"; payload: unknown };

export interface Response {
  success: boolean;
  returnValue: unknown;
  errors: { code: ErrorCode; description: string; details?: unknown }[] | null;
}

export type ErrorCode = "INVALID_PARAM" | "GENERIC_ERROR" | "SERVER_ERROR" | "SOFTPHONE_CONTAINER_ERROR";

/** Open CTI's Lightning methods (Open CTI Developer Guide, "Methods for Lightning Experience", read 2026-11-20). */
export const METHODS = [
  "enableClickToDial",
  "disableClickToDial",
  "onClickToDial",
  "onNavigationChange",
  "getAppViewInfo",
  "getCallCenterSettings",
  "getSoftphoneLayout",
  "isSoftphonePanelVisible",
  "notifyInitializationComplete",
  "refreshView",
  "runApex",
  "saveLog",
  "screenPop",
  "searchAndScreenPop",
  "setSoftphoneItemIcon",
  "setSoftphoneItemLabel",
  "setSoftphonePanelIcon",
  "setSoftphonePanelLabel",
  "setSoftphonePanelHeight",
  "setSoftphonePanelWidth",
  "setSoftphonePanelVisibility",
] as const;

export type Method = (typeof METHODS)[number];

export const CALL_TYPES = ["inbound", "outbound", "internal"] as const;

export const POP_TYPES = [
  "SOBJECT",
  "URL",
  "OBJECTHOME",
  "LIST",
  "SEARCH",
  "NEW_RECORD_MODAL",
  "FLOW",
] as const;
