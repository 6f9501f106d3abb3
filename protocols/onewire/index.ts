/** 1-Wire thermometers through the kernel's files. */
export * from './w1-slave.ts';
