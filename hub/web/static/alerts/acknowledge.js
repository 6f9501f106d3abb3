/** Somebody takes an incident on, and says what they do. */
import { send } from '../api.js';
import { ask } from '../dialogs.js';
import { element } from '../dom.js';
import { areaField } from '../fields.js';

export function acknowledgeButton({ incidentId, title }, after) {
  return element(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-haspopup': 'dialog',
      'aria-label': `Acknowledge: ${title}`,
      click: () => void acknowledge({ incidentId, title, after }),
    },
    'Acknowledge …',
  );
}

export function acknowledge({ incidentId, title, after }) {
  const note = areaField({ label: 'Note', rows: 3, hint: 'What you do about it: others read it here.' });
  return ask({
    title: `Take on: ${title}`,
    content: [note.node],
    action: 'Acknowledge',
    pending: 'Noting …',
    run: async () => {
      await send('POST', `/v1/incidents/${encodeURIComponent(incidentId)}/acknowledge`, { note: note.read() });
      await after();
    },
    done: 'Acknowledged: it is yours now',
  });
}
