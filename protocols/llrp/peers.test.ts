/** Messages that other implementations encoded from values we chose: every value must come back. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { decodeMessage, describeStatus, encodeMessage, messageToJson, statusOf } from './index.ts';

const PEERS: { name: string; input: string }[] = JSON.parse(
  readFileSync(new URL('fixtures/peers.json', import.meta.url), 'utf8'),
);

function messageNamed(name: string) {
  const found = PEERS.find((peer) => peer.name.startsWith(name));
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return decodeMessage(fromHex(found.input));
}

describe('messages of other implementations', () => {
  it.each(PEERS)('$name is written back byte for byte', ({ input }) => {
    expect(toHex(encodeMessage(decodeMessage(fromHex(input))))).toBe(input);
  });

  it('reads capabilities', () => {
    expect(messageToJson(messageNamed('GET_READER_CAPABILITIES_RESPONSE'))).toEqual({
      name: 'GET_READER_CAPABILITIES_RESPONSE',
      version: 1,
      id: 77,
      parameters: [
        { name: 'LLRPStatus', statusCode: 0, errorDescription: '', parameters: [] },
        {
          name: 'GeneralDeviceCapabilities',
          maxNumberOfAntennas: 4,
          canSetAntennaProperties: false,
          hasUtcClock: true,
          manufacturer: 25882,
          model: 2001002,
          firmwareVersion: '5.12.3.240',
          parameters: [
            { name: 'ReceiveSensitivityTableEntry', index: 1, receiveSensitivityDb: 0 },
            { name: 'ReceiveSensitivityTableEntry', index: 2, receiveSensitivityDb: 10 },
            { name: 'GPIOCapabilities', numGpis: 4, numGpos: 4 },
            { name: 'PerAntennaAirProtocol', antennaId: 1, protocolIds: [1] },
            { name: 'PerAntennaAirProtocol', antennaId: 2, protocolIds: [1] },
          ],
        },
        {
          name: 'LLRPCapabilities',
          canDoRfSurvey: false,
          canReportBufferFillWarning: true,
          supportsClientRequestOpSpec: false,
          canDoTagInventoryStateAwareSingulation: false,
          supportsEventAndReportHolding: true,
          maxPriorityLevels: 1,
          clientRequestOpSpecTimeoutMs: 0,
          maxRoSpecs: 1,
          maxSpecsPerRoSpec: 32,
          maxInventoryParameterSpecsPerAiSpec: 1,
          maxAccessSpecs: 1508,
          maxOpSpecsPerAccessSpec: 8,
        },
        {
          name: 'RegulatoryCapabilities',
          countryCode: 840,
          communicationsStandard: 1,
          parameters: [
            {
              name: 'UHFBandCapabilities',
              parameters: [
                { name: 'TransmitPowerLevelTableEntry', index: 1, transmitPowerCentiDbm: 1000 },
                { name: 'TransmitPowerLevelTableEntry', index: 2, transmitPowerCentiDbm: 3250 },
                {
                  name: 'FrequencyInformation',
                  hopping: true,
                  parameters: [{ name: 'FrequencyHopTable', hopTableId: 1, frequenciesKhz: [909250, 908250, 925750] }],
                },
                {
                  name: 'C1G2UHFRFModeTable',
                  parameters: [
                    {
                      name: 'C1G2UHFRFModeTableEntry',
                      modeIdentifier: 1002,
                      dr: true,
                      epcHagConformance: false,
                      m: 2,
                      forwardLinkModulation: 2,
                      spectralMask: 3,
                      backscatterBitsPerSecond: 68500,
                      pieMillis: 2000,
                      minTariNs: 20000,
                      maxTariNs: 20000,
                      stepTariNs: 0,
                    },
                  ],
                },
              ],
            },
          ],
        },
        {
          name: 'C1G2LLRPCapabilities',
          canSupportBlockErase: false,
          canSupportBlockWrite: true,
          canSupportBlockPermalock: false,
          canSupportTagRecommissioning: false,
          canSupportUmiMethod2: false,
          canSupportXpc: false,
          maxSelectFiltersPerQuery: 2,
        },
      ],
    });
  });

  it('reads an exception event with its identifiers', () => {
    expect(messageNamed('READER_EVENT_NOTIFICATION')).toEqual({
      name: 'READER_EVENT_NOTIFICATION',
      version: 1,
      id: 78,
      parameters: [
        {
          name: 'ReaderEventNotificationData',
          parameters: [
            { name: 'Uptime', microseconds: 123456789n },
            {
              name: 'ReaderExceptionEvent',
              message: 'antenna 2 too hot',
              parameters: [
                { name: 'ROSpecID', roSpecId: 1 },
                { name: 'AntennaID', antennaId: 2 },
              ],
            },
          ],
        },
      ],
    });
  });

  it('reads errors inside errors', () => {
    const status = statusOf(messageNamed('ERROR_MESSAGE'));
    expect(status && describeStatus(status)).toBe(
      'M_ParameterError: bad ROSpec; parameter ROSpec (177): P_FieldError; field 2: A_OutOfRange',
    );
  });

  it('reads a ROSpec with filter, power, mode and a parameter of the vendor', () => {
    const inventory = {
      name: 'C1G2InventoryCommand',
      tagInventoryStateAware: false,
      parameters: [
        {
          name: 'C1G2Filter',
          truncate: 0,
          parameters: [
            { name: 'C1G2TagInventoryMask', memoryBank: 1, pointer: 32, tagMask: { bits: 16, hex: '3074' } },
          ],
        },
        { name: 'C1G2RFControl', modeIndex: 1002, tariNs: 0 },
        { name: 'C1G2SingulationControl', session: 1, tagPopulation: 16, tagTransitTimeMs: 0, parameters: [] },
        { name: 'Custom', vendorId: 25882, subtype: 23, data: '0002' },
      ],
    };
    const power = { name: 'RFTransmitter', hopTableId: 1, channelIndex: 1, transmitPowerIndex: 2 };
    const [roSpec] = (messageToJson(messageNamed('ADD_ROSPEC')) as { parameters: { parameters: unknown[] }[] })
      .parameters;
    expect(roSpec).toMatchObject({ name: 'ROSpec', roSpecId: 1, priority: 0, currentState: 0 });
    expect(roSpec?.parameters).toMatchObject([
      {
        name: 'ROBoundarySpec',
        parameters: [
          { name: 'ROSpecStartTrigger', triggerType: 1 },
          { name: 'ROSpecStopTrigger', triggerType: 0, durationMs: 0 },
        ],
      },
      {
        name: 'AISpec',
        antennaIds: [1, 2],
        parameters: [
          { name: 'AISpecStopTrigger', triggerType: 3, parameters: [{ triggerType: 0, numberOfTags: 5 }] },
          {
            name: 'InventoryParameterSpec',
            inventoryParameterSpecId: 1,
            protocolId: 1,
            parameters: [
              { name: 'AntennaConfiguration', antennaId: 1, parameters: [power, inventory] },
              { name: 'AntennaConfiguration', antennaId: 2, parameters: [power, inventory] },
            ],
          },
        ],
      },
      {
        name: 'ROReportSpec',
        trigger: 1,
        n: 0,
        parameters: [
          {
            name: 'TagReportContentSelector',
            enableRoSpecId: false,
            enableAntennaId: true,
            enableTagSeenCount: true,
            enableAccessSpecId: false,
            parameters: [{ name: 'C1G2EPCMemorySelector', enableCrc: false, enablePcBits: false }],
          },
        ],
      },
    ]);
  });
});
