/** Modbus RTU, TCP and ASCII: frames, requests, responses, register maps. */
export * from './ascii.ts';
export * from './describe.ts';
export { exceptionForFault } from './faults.ts';
export * from './function-codes.ts';
export * from './pdu.ts';
export * from './presets.ts';
export * from './register-map.ts';
export * from './request.ts';
export * from './response.ts';
export * from './rtu.ts';
export * from './rtu-request-framer.ts';
export * from './rtu-response-framer.ts';
export * from './tcp.ts';
