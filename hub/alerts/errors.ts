/** What is refused of incidents, silences and subscriptions, and why. */
export type AlertingErrorCode =
  | 'incident-unknown'
  | 'incident-cleared'
  | 'silence-unknown'
  | 'silence-invalid'
  | 'silence-over'
  | 'subscription-unknown'
  | 'subscription-invalid'
  | 'email-not-configured'
  | 'address-private';

export class AlertingError extends Error {
  override readonly name = 'AlertingError';
  readonly code: AlertingErrorCode;

  constructor(code: AlertingErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
