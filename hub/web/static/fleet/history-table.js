/** Who changed what, when and why. */
import { element } from '../dom.js';
import { formatDayTime } from '../format.js';
import { dataTable } from '../table.js';
import { subjectLink } from './states.js';

const words = (what) => {
  const text = what.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** @param {{ withSubject?: boolean }} options */
export function historyTable({ withSubject = false } = {}) {
  return dataTable({
    caption: 'Who changed what, when and why',
    idOf: ({ id }) => String(id),
    columns: [
      {
        title: 'When',
        class: 'short',
        cell: ({ at }) => element('time', { datetime: at, title: at }, formatDayTime(at)),
      },
      { title: 'Who', cell: ({ who }) => who },
      { title: 'What', cell: ({ what }) => words(what) },
      ...(withSubject ? [{ title: 'Of', cell: ({ subject }) => subjectLink(subject) }] : []),
      { title: 'Why', cell: ({ why }) => why || element('span', { class: 'note' }, 'no reason given') },
    ],
  });
}
