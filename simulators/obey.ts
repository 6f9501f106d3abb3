/** One command for a running scenario, as text, and what became of it. */
import { parseCommandLine } from './command-line.ts';
import type { RunningDevice, RunningScenario } from './run.ts';
import { SimulatorError } from './simulator.ts';

export interface Answer {
  ok: boolean;
  line: string;
  error?: { code: string; message: string };
  /** To `devices`. */
  devices?: readonly RunningDevice[];
}

/** Undefined for an empty line or a comment. A command that cannot be carried out is an answer, not a fault of ours. */
export async function obey(running: RunningScenario, text: string): Promise<Answer | undefined> {
  const line = text.trim();
  if (line === 'devices') return { ok: true, line, devices: running.devices };
  try {
    const parsed = parseCommandLine(line);
    if (!parsed) return undefined;
    await running.command(parsed.device, parsed.command, parsed.args);
    return { ok: true, line };
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    const { code, message } = error;
    return { ok: false, line, error: { code, message } };
  }
}
