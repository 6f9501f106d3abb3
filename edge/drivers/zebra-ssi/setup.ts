/** What a reader is told when it is connected: all of it until it is switched off, since its flash wears out. */
import {
  SSI_NO_BEEP,
  SsiParameterNumber,
  ssiRequestRevision,
  ssiScanEnable,
  ssiSetParameter,
} from '../../../protocols/ssi/index.ts';
import type { HostCommand } from './command-queue.ts';
import type { ZebraSsiOptions } from './options.ts';

/** Without packets there is no acknowledgement. */
export const PACKETS: HostCommand = parameter('scans in packets', SsiParameterNumber.decodeFormat, 1);

export const AIM_IDENTIFIERS = 'AIM identifiers';

export const REVISION: HostCommand = { name: 'revision', packet: ssiRequestRevision(), answer: 'revision' };

export function setupCommands(options: ZebraSsiOptions): HostCommand[] {
  if (!options.configure) return [REVISION];
  const { hostResponseTimeout, acknowledge, transmitCodeId, beepAfterDecode } = SsiParameterNumber;
  return [
    PACKETS,
    REVISION,
    parameter('acknowledgement of scans', acknowledge, 1),
    parameter('response time-out', hostResponseTimeout, options.responseTimeoutMs / 100),
    ...(options.aimIdentifiers ? [parameter(AIM_IDENTIFIERS, transmitCodeId, 1)] : []),
    ...(options.safeBeep === 'none' ? [] : [parameter('no beep before the scan is safe', beepAfterDecode, 0)]),
    { name: 'scanning', packet: ssiScanEnable(), answer: 'ack' },
  ];
}

function parameter(name: string, number: number, value: number): HostCommand {
  return { name, packet: ssiSetParameter(number, value, { permanent: false, beepCode: SSI_NO_BEEP }), answer: 'ack' };
}
