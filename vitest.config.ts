import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{protocols,edge,hub,simulators,cli,scripts,test/house,test/chaos,test/simulation}/**/*.test.ts'],
          exclude: ['**/*.server.test.ts'],
          // Generous: a busy machine compiles PGlite for seconds. No test measures time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Real servers (Kafka, PostgreSQL, Mosquitto, Redis, Influx), real ptys, foreign peers, Chromium.
        test: {
          name: 'real',
          include: ['**/*.server.test.ts', 'test/{e2e,peers}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**'],
          globalSetup: ['test/servers/global-setup.ts'],
          testTimeout: 90_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
