/** Labels of gateways: what the fleet selects them by. Names and values that a gateway's file and a hub take alike. */

/** What a gateway is; nobody sets them. */
export const BUILT_IN_LABELS: readonly string[] = ['gateway', 'facility', 'vehicle'];

export const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;
/** No control characters: a label with any of them names nothing, and a database may not take it. */
export const LABEL_VALUE = /^[^\p{Cc}\p{Cs}]{1,128}$/u;
export const MAX_LABELS = 64;
