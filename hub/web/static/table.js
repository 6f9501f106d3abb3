/**
 * A table whose rows are kept by their id: an update changes only rows that differ, so that focus, selection and place survive it. In a
 * narrow window each row becomes a block in which every value has its column's name beside it; the roles keep it a table.
 */
import { element, setText } from './dom.js';

/**
 * @param {{ caption: string, columns: { title: string, cell: (item: object) => unknown, class?: string }[], idOf: (item: object) => string }} options
 * @returns {{ node: HTMLElement, show: (items: object[], nothing: string) => void }}
 */
export function dataTable({ caption, columns, idOf }) {
  const body = element('tbody', { role: 'rowgroup' });
  const empty = element('p', { class: 'empty', hidden: true });
  const table = element(
    'table',
    { role: 'table', class: 'data', hidden: true },
    element('caption', { class: 'unseen' }, caption),
    element(
      'thead',
      { role: 'rowgroup' },
      element(
        'tr',
        { role: 'row' },
        columns.map(({ title, class: name }) =>
          element('th', { role: 'columnheader', scope: 'col', class: name }, title),
        ),
      ),
    ),
    body,
  );

  const rowOf = (item) =>
    element(
      'tr',
      { role: 'row', 'data-id': idOf(item) },
      columns.map(({ title, cell, class: name }) =>
        element('td', { role: 'cell', class: name, 'data-title': title }, element('div', {}, cell(item))),
      ),
    );
  const shown = new Map();

  function show(items, nothing) {
    const kept = new Set(items.map(idOf));
    for (const [id, { row }] of shown) if (!kept.has(id) && shown.delete(id)) row.remove();
    for (const [index, item] of items.entries()) {
      const id = idOf(item);
      const text = JSON.stringify(item);
      const before = shown.get(id);
      const row = before?.text === text ? before.row : rowOf(item);
      if (before && row !== before.row) replaceKeepingFocus(before.row, row);
      if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
      shown.set(id, { row, text });
    }
    table.hidden = items.length === 0;
    empty.hidden = items.length > 0;
    setText(empty, nothing);
  }
  return { node: element('div', { class: 'table' }, table, empty), show };
}

function replaceKeepingFocus(before, row) {
  const stops = 'a, button, input, select';
  const at = [...before.querySelectorAll(stops)].indexOf(document.activeElement);
  before.replaceWith(row);
  if (at >= 0) row.querySelectorAll(stops)[at]?.focus({ preventScroll: true });
}
