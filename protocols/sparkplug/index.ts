/** Sparkplug B (Eclipse Sparkplug 3.0.0): payloads and topics. */
export * from './payload.ts';
export * from './topic.ts';
