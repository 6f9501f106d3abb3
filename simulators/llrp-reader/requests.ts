/**
 * What the reader answers to each message of a client (LLRP 1.0.1, clauses 9–14): state changes on ROSpecs and
 * configuration, and the response with its LLRPStatus.
 *
 * A message that is no LLRP, of another version or not known gets ERROR_MESSAGE, one that is known but refused its own
 * response with the reason. A reader of 1.0.1 answers every message of 1.1 with M_UnsupportedVersion, which is how a client
 * of 1.1 finds out (LLRP 1.1, clause 9.1).
 */
import { isCodecError } from '../../protocols/base/codec-error.ts';
import {
  CAPABILITY_DATA,
  decodeHeader,
  decodeMessage,
  impinjEnableExtensionsResponse,
  isImpinjEnableExtensions,
  llrpStatus,
  type Message,
  type Parameter,
  STATUS_CODE,
} from '../../protocols/llrp/index.ts';
import { type Build, capabilities } from './capabilities.ts';
import type { ReaderConfig } from './config.ts';
import type { RoSpecs } from './ro-specs.ts';
import { Refusal } from './status.ts';

export const READER_VERSION = 1;

export interface ReaderState {
  build: Build;
  config: ReaderConfig;
  roSpecs: RoSpecs;
  isConnected(antenna: number): boolean;
  /** Level of a general purpose input. */
  isHigh(input: number): boolean;
  nowUs(): number;
}

export interface Answer {
  reply?: Message;
  /** What else the message asks for, once the reply is out. */
  effect?: 'close' | 'report' | 'release' | 'keepalive-acknowledged' | 'keepalive-changed';
}

export function answerTo(frame: Buffer, state: ReaderState): Answer {
  const { id, version } = decodeHeader(frame);
  if (version !== READER_VERSION) {
    return errorMessage(id, new Refusal(STATUS_CODE.M_UnsupportedVersion, 'this reader speaks LLRP 1.0.1'));
  }
  let request: Message;
  try {
    request = decodeMessage(frame);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    return errorMessage(id, new Refusal(STATUS_CODE.M_ParameterError, error.message));
  }
  return answer(request, state);
}

function answer(request: Message, state: ReaderState): Answer {
  const { config, roSpecs } = state;
  const envelope = { version: READER_VERSION, id: request.id };
  const now = state.nowUs();
  switch (request.name) {
    case 'GET_READER_CAPABILITIES': {
      const parameters = withStatus(() => {
        if (request.requestedData > CAPABILITY_DATA.airProtocol) {
          throw new Refusal(STATUS_CODE.M_FieldError, `RequestedData ${request.requestedData} is not in 0–4`);
        }
        return capabilities(request.requestedData, state.build);
      });
      return { reply: { name: 'GET_READER_CAPABILITIES_RESPONSE', ...envelope, parameters } };
    }
    case 'GET_READER_CONFIG': {
      const parameters = withStatus(() => config.get(request, state));
      return { reply: { name: 'GET_READER_CONFIG_RESPONSE', ...envelope, parameters } };
    }
    case 'SET_READER_CONFIG': {
      const parameters = outcome(() => config.set(request));
      return { reply: { name: 'SET_READER_CONFIG_RESPONSE', ...envelope, parameters }, effect: 'keepalive-changed' };
    }
    case 'ADD_ROSPEC': {
      const parameters = outcome(() => roSpecs.add(request.parameters));
      return { reply: { name: 'ADD_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'DELETE_ROSPEC': {
      const parameters = outcome(() => roSpecs.delete(request.roSpecId));
      return { reply: { name: 'DELETE_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'ENABLE_ROSPEC': {
      const parameters = outcome(() => roSpecs.enable(request.roSpecId, now));
      return { reply: { name: 'ENABLE_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'DISABLE_ROSPEC': {
      const parameters = outcome(() => roSpecs.disable(request.roSpecId));
      return { reply: { name: 'DISABLE_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'START_ROSPEC': {
      const parameters = outcome(() => roSpecs.start(request.roSpecId, now));
      return { reply: { name: 'START_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'STOP_ROSPEC': {
      const parameters = outcome(() => roSpecs.stop(request.roSpecId));
      return { reply: { name: 'STOP_ROSPEC_RESPONSE', ...envelope, parameters } };
    }
    case 'GET_ROSPECS': {
      const parameters = withStatus(() => roSpecs.describe());
      return { reply: { name: 'GET_ROSPECS_RESPONSE', ...envelope, parameters } };
    }
    case 'CLOSE_CONNECTION':
      return { reply: { name: 'CLOSE_CONNECTION_RESPONSE', ...envelope, parameters: [llrpStatus()] }, effect: 'close' };
    case 'GET_REPORT':
      return { effect: 'report' };
    case 'ENABLE_EVENTS_AND_REPORTS':
      return { effect: 'release' };
    case 'KEEPALIVE_ACK':
      return { effect: 'keepalive-acknowledged' };
    case 'CUSTOM_MESSAGE':
      if (state.build.maker !== 'impinj' || !isImpinjEnableExtensions(request)) return accessAnswer(request);
      return { reply: impinjEnableExtensionsResponse(envelope, llrpStatus()) };
    default:
      return accessAnswer(request);
  }
}

/** The reader has no access operations: there is never an AccessSpec, and none can be added. */
function accessAnswer(request: Message): Answer {
  const envelope = { version: READER_VERSION, id: request.id };
  const unsupported = new Refusal(STATUS_CODE.M_UnsupportedMessage, `${request.name} is not supported`);
  switch (request.name) {
    case 'ADD_ACCESSSPEC':
      return { reply: { name: 'ADD_ACCESSSPEC_RESPONSE', ...envelope, parameters: refused(unsupported) } };
    case 'DELETE_ACCESSSPEC':
      return { reply: { name: 'DELETE_ACCESSSPEC_RESPONSE', ...envelope, parameters: noAccessSpec(request) } };
    case 'ENABLE_ACCESSSPEC':
      return { reply: { name: 'ENABLE_ACCESSSPEC_RESPONSE', ...envelope, parameters: noAccessSpec(request) } };
    case 'DISABLE_ACCESSSPEC':
      return { reply: { name: 'DISABLE_ACCESSSPEC_RESPONSE', ...envelope, parameters: noAccessSpec(request) } };
    case 'GET_ACCESSSPECS':
      return { reply: { name: 'GET_ACCESSSPECS_RESPONSE', ...envelope, parameters: [llrpStatus()] } };
    default:
      return errorMessage(request.id, unsupported);
  }
}

/** Of "all" there are none, which is no error; any other id does not exist. */
function noAccessSpec({ accessSpecId }: { accessSpecId: number }): Parameter[] {
  if (accessSpecId === 0) return [llrpStatus()];
  return refused(new Refusal(STATUS_CODE.M_FieldError, `there is no AccessSpec ${accessSpecId}`));
}

/** The LLRPStatus of work that gives nothing. */
function outcome(work: () => void): Parameter[] {
  return withStatus(() => {
    work();
    return [];
  });
}

/** LLRPStatus, then what the work gives if it was not refused. */
function withStatus(work: () => Parameter[]): Parameter[] {
  try {
    return [llrpStatus(), ...work()];
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    throw error;
  }
}

function refused(refusal: Refusal): Parameter[] {
  return [llrpStatus(refusal.status, refusal.message)];
}

function errorMessage(id: number, refusal: Refusal): Answer {
  return { reply: { name: 'ERROR_MESSAGE', version: READER_VERSION, id, parameters: refused(refusal) } };
}
