/** gpsd: reports, and the fixes that they hold. */
export * from './fix.ts';
export * from './report.ts';
