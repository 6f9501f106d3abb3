import { describe, expect, it } from 'vitest';
import { kafkaError, loadRdkafka } from './native.ts';

describe('loadRdkafka', () => {
  it('says how to get the native module when it is not there', async () => {
    const missing = () => Promise.reject(new Error('Could not locate the bindings file. Tried:\n → /somewhere'));
    await expect(loadRdkafka(missing)).rejects.toMatchObject({
      code: 'native-module-missing',
      message: expect.stringMatching(/npm run setup:kafka.*Could not locate the bindings file/),
    });
  });
});

describe('kafkaError', () => {
  it('tells what will never be taken from what may be taken later', () => {
    expect(kafkaError({ code: 10, message: 'too large' }, 'appending')).toMatchObject({ code: 'log-rejected' });
    expect(kafkaError({ code: -192, message: 'timed out' }, 'appending')).toMatchObject({
      code: 'log-unavailable',
      message: 'Kafka: appending: timed out',
    });
    expect(kafkaError(new Error('anything'), 'reading')).toMatchObject({ code: 'log-unavailable' });
  });
});
