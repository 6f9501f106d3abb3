/** A silence: of what it covers nobody is told while it lasts; the incidents are kept all the same. */
import { send } from '../api.js';
import { ask } from '../dialogs.js';
import { element } from '../dom.js';
import { areaField, durationField } from '../fields.js';
import { MatcherFields } from './matcher-fields.js';

export function askSilence({ matcher = {}, after }) {
  const what = new MatcherFields(matcher);
  const lasts = durationField({ label: 'For', value: 7_200_000, required: true, smallest: 'min' });
  const reason = areaField({
    label: 'Reason',
    required: true,
    rows: 2,
    hint: 'For example: cooler is being repaired.',
  });
  return ask({
    title: 'New silence',
    content: [
      element(
        'p',
        { class: 'hint' },
        'Nobody is told of incidents whose alerts all fit. What is left empty fits everything.',
      ),
      what.node,
      lasts.node,
      reason.node,
    ],
    action: 'Silence',
    pending: 'Silencing …',
    run: async () => {
      const to = new Date(Date.now() + lasts.read()).toISOString();
      await send('POST', '/v1/silences', { matcher: what.read(), to, reason: reason.read() });
      await after();
    },
    done: 'Silenced',
  });
}
