/** What a reader says about itself, as codes and messages. Pure. LLRP 1.1, clause 14.2 (events) and 15 (errors). */
import {
  ANTENNA_EVENT,
  CONNECTION_ATTEMPT,
  describeStatus,
  findParameter,
  type Message,
  type Parameter,
  ROSPEC_EVENT,
  statusOf,
} from '../../../protocols/llrp/index.ts';

/** What a reader tells besides tags. */
export type ReaderEvent =
  | ({ kind: 'status' } & ReaderStatus)
  | { kind: 'input'; port: number; isHigh: boolean }
  | { kind: 'inventory'; roSpecId: number; runs: boolean };

export interface ReaderStatus {
  code: string;
  message: string;
  /** Not a change of state: the same complaint need not be repeated for a while. */
  repeats: boolean;
}

/** `closed`: the reader says that it ends the connection. */
export function interpretEvents(message: Message): ReaderEvent[] | 'closed' {
  if (message.name === 'ERROR_MESSAGE') {
    const status = statusOf(message);
    return [
      complaint('reader-error', `the reader reports an error: ${status ? describeStatus(status) : 'without a reason'}`),
    ];
  }
  if (message.name !== 'READER_EVENT_NOTIFICATION') return [];
  const events = findParameter(message.parameters, 'ReaderEventNotificationData')?.parameters ?? [];
  if (findParameter(events, 'ConnectionCloseEvent')) return 'closed';
  return events.flatMap((event) => interpretEvent(event));
}

function interpretEvent(event: Parameter): ReaderEvent[] {
  switch (event.name) {
    case 'AntennaEvent': {
      const connected = event.eventType === ANTENNA_EVENT.connected;
      const [code, what] = connected
        ? ['antenna-connected', 'is connected again']
        : ['antenna-disconnected', 'is disconnected: check its cable'];
      return [{ kind: 'status', code, message: `antenna ${event.antennaId} ${what}`, repeats: false }];
    }
    case 'ReaderExceptionEvent': {
      const antenna = findParameter(event.parameters, 'AntennaID');
      const where = antenna ? ` at antenna ${antenna.antennaId}` : '';
      return [
        complaint('reader-exception', `the reader reports${where}: ${event.message || 'an exception without text'}`),
      ];
    }
    case 'GPIEvent':
      return [{ kind: 'input', port: event.gpiPort, isHigh: event.gpiEvent }];
    case 'ROSpecEvent':
      return [{ kind: 'inventory', roSpecId: event.roSpecId, runs: event.eventType === ROSPEC_EVENT.start }];
    case 'ReportBufferLevelWarningEvent':
      return [
        complaint(
          'reader-buffer-filling',
          `the reader's report buffer is ${event.percentFull} % full: this box takes too slowly`,
        ),
      ];
    case 'ReportBufferOverflowErrorEvent':
      return [complaint('reader-buffer-overflow', 'the reader lost tag reports: its buffer overflowed')];
    case 'ConnectionAttemptEvent':
      if (event.status !== CONNECTION_ATTEMPT.anotherConnectionAttempted) return [];
      return [complaint('reader-second-client', 'another client tried to connect to this reader, and was turned away')];
    default:
      return [];
  }
}

function complaint(code: string, message: string): ReaderEvent {
  return { kind: 'status', code, message, repeats: true };
}
