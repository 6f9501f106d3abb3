/** One run of the gateway in a process of its own, so that its memory is its own; the run is the argument, what was found the answer. */
import { type GatewayRun, throughGateway } from './gateway.ts';

const found = await throughGateway(JSON.parse(process.argv[2] ?? '{}') as GatewayRun);
process.send?.(found);
process.disconnect?.();
