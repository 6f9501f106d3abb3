/** Maintenance silences: what nobody is told of, until when and why. */
import '../you.js';
import { act } from '../actions.js';
import { follow, get, send } from '../api.js';
import { byId, element } from '../dom.js';
import { formatDayTime } from '../format.js';
import { throttle } from '../pace.js';
import { dataTable } from '../table.js';
import { sayMatcher } from './matcher-fields.js';
import { askSilence } from './silence-dialog.js';

const REFRESH_MS = 1000;
const POLL_MS = 15_000;
const STATES = { pending: ['To come', 'wait'], active: ['Active', 'warn'], over: ['Over', 'none'] };

const table = dataTable({
  caption: 'Silences',
  idOf: ({ silenceId }) => silenceId,
  columns: [
    { title: 'Of', cell: ({ matcher }) => sayMatcher(matcher) },
    {
      title: 'State',
      cell: ({ state, endedBy }) => [
        element('span', { class: 'chip', 'data-tone': STATES[state]?.[1] }, STATES[state]?.[0] ?? state),
        endedBy ? element('small', {}, `ended by ${endedBy}`) : '',
      ],
    },
    { title: 'From', class: 'short', cell: ({ from }) => formatDayTime(from) },
    { title: 'Until', class: 'short', cell: ({ to }) => formatDayTime(to) },
    { title: 'Why', cell: ({ reason, author }) => [reason, element('small', {}, `by ${author}`)] },
    { title: '', cell: (silence) => (silence.state === 'over' ? '' : endButton(silence)) },
  ],
});
byId('list').append(table.node);
byId('state').addEventListener('change', load);
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('new').addEventListener('click', () => void askSilence({ after: load }));
const refresh = throttle(() => void load(), REFRESH_MS);
follow('/v1/stream', { incident: refresh, reset: refresh }, refresh);
setInterval(refresh, POLL_MS);

async function load() {
  const { items = [], error } = await get('/v1/silences', { state: byId('state').value }).catch((fault) => ({
    error: fault,
  }));
  table.show(
    items,
    error
      ? `The silences cannot be shown: ${error.message}`
      : 'Nothing is silenced: whoever subscribed is told of every incident.',
  );
}

function endButton({ silenceId, matcher }) {
  const button = element(
    'button',
    { type: 'button', class: 'button small', 'aria-label': `End the silence of ${sayMatcher(matcher)}` },
    'End now',
  );
  button.addEventListener('click', async () => {
    const ended = await act(button, {
      pending: 'Ending the silence …',
      run: async () => {
        await send('DELETE', `/v1/silences/${encodeURIComponent(silenceId)}`);
        await load();
        return true;
      },
      done: 'The silence is over: what is still open is told now',
    });
    if (ended) byId('list').focus({ preventScroll: true });
  });
  return button;
}
