/** `milepost fleet history`: who changed what, when and why. */
import type { HistoryEntry } from '../../hub/fleet/model.ts';
import { DONE, print } from '../exit.ts';
import { get } from '../track.ts';
import { type At, answering, historyLine, url } from './answers.ts';

/** The hub gives at most so many at once. */
const PAGE = 500;

export function showHistory(
  at: At,
  { subject, limit }: { subject: string | undefined; limit: number },
): Promise<number> {
  return answering(at, async () => {
    let shown = 0;
    for (let before: string | undefined; shown < limit; ) {
      const asked = Math.min(PAGE, limit - shown);
      const { history } = await get<{ history: HistoryEntry[] }>(
        url(at, 'history', { subject, before, limit: String(asked) }),
      );
      for (const entry of history) print(at.json ? JSON.stringify(entry) : historyLine(entry));
      shown += history.length;
      if (history.length < asked) break;
      before = String(history.at(-1)?.id);
    }
    if (shown === 0 && !at.json) print('nothing has been changed yet');
    return DONE;
  });
}
